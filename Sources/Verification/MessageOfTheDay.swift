import Workbench

/// What an interactive login shows before its prompt.
struct MessageOfTheDay: Sendable, Equatable {
    /// Its lines, without those in which the terminal shows the end mark that was typed.
    private var lines: [String]

    static let endMark = "end-of-message"

    /// - Parameter heard: all that came over the terminal.
    init(_ heard: String) {
        // By the property: CR LF, as a terminal prints it, is one character, and none that equals LF.
        lines = heard.split(whereSeparator: \.isNewline).map(String.init).filter { line in
            !line.replacing("'", with: "").contains(Self.endMark)
        }
    }

    var text: String { lines.joined(separator: "\n") }

    /// The lines that are set off by blanks: addresses and commands.
    private var setOff: [String] {
        lines.filter { $0.hasPrefix("  ") || $0.hasPrefix("\t") }.map(\.trimmedLine)
    }

    func address(port: Int) -> String? {
        text.split(whereSeparator: \.isWhitespace).map(String.init).first { word in
            (word.hasPrefix("http://") || word.hasPrefix("https://")) && word.contains(":\(port)")
        }
    }

    /// The command that changes the default password.
    var command: String? {
        setOff.first { !$0.hasPrefix("http") && $0.contains("password") }
    }

    /// Whether it says anything of JupyterLab.
    func mentionsJupyter(port: Int) -> Bool {
        text.lowercased().contains("jupyter") || address(port: port) != nil
    }
}
