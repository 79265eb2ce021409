extension String {
    /// The lines of the text, each without control characters; no empty line at the end.
    var printableLines: [String] {
        var lines = split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { String($0).printable }
        while lines.count > 1, lines.last == "" { lines.removeLast() }
        return lines
    }

    /// The text on one line.
    package var printableLine: String {
        isPlain ? self : printableLines.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The text without escape sequences and control characters; a tab becomes a blank.
    ///
    /// Output of tools is shown between lines that we place ourselves: a cursor movement in it would tear them
    /// apart, and a message from a machine must not be able to write to the user's terminal as it likes.
    var printable: String {
        var result = String.UnicodeScalarView()
        var state = Escape.none
        for scalar in unicodeScalars {
            state = state.next(scalar)
            guard state == .none else { continue }
            if scalar == "\t" {
                result.append(" ")
            } else if scalar.properties.generalCategory != .control {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

/// Where in an escape sequence (ECMA-48, 5.3 to 5.6) a scalar stands; `last` is its final one.
private enum Escape {
    case none, escape, control, string, stringEscape, last

    func next(_ scalar: Unicode.Scalar) -> Escape {
        switch self {
        case .none, .last: scalar == "\u{1B}" ? .escape : .none
        case .escape:
            switch scalar {
            case "[": .control
            case "]", "P", "X", "^", "_": .string
            case " "..."/": .escape
            default: .last
            }
        case .control: ("@"..."~").contains(scalar) ? .last : .control
        case .string: scalar == "\u{7}" ? .last : scalar == "\u{1B}" ? .stringEscape : .string
        case .stringEscape: scalar == "\\" ? .last : .string
        }
    }
}
