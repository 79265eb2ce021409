import Sandbox
import Yams

/// An error in user input, with its location and, where possible, a correction.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package var place: Place
    package var message: String
    /// A correction, appended to the message after a comma: `did you mean 'jupyter'?`
    package var suggestion: String?
    /// The Debian package that the pins lack, if that is the mistake.
    var unpinnedPackage: String?

    package init(_ place: Place, _ message: String, _ suggestion: String? = nil, unpinnedPackage: String? = nil) {
        self.place = place
        self.message = message
        self.suggestion = suggestion
        self.unpinnedPackage = unpinnedPackage
    }

    package var description: String {
        "\(place): error: \(message)" + (suggestion.map { ", \($0)" } ?? "")
    }
}

extension [Diagnostic] {
    /// All diagnostics combined into the single failure that a command throws.
    ///
    /// The code is `.badData` if any error is in a file, and `.usage` if all are in flags or environment variables.
    func failure() -> Failure {
        let sorted = inOrder()
        var sources: [String] = []
        for diagnostic in sorted {
            let source =
                switch diagnostic.place {
                case .file(let path, _, _): path
                case .environment: "the environment"
                case .flag: "the command line"
                case .default: "the defaults"
                }
            if !sources.contains(source) { sources.append(source) }
        }
        let verb = sources.count == 1 ? "has" : "have"
        let errors = sorted.count == 1 ? "an error" : "\(sorted.count) errors"
        return Failure(
            sorted.contains { $0.place.file != nil } ? .badData : .usage,
            "\(sources.joined(separator: " and ")) \(verb) \(errors)", details: sorted.map(\.description))
    }

    /// The diagnostics sorted by place, without duplicates; files stay in the order in which they were read.
    private func inOrder() -> [Diagnostic] {
        var files: [String] = []
        for case let file? in map(\.place.file) where !files.contains(file) { files.append(file) }
        var seen: Set<Diagnostic> = []
        return enumerated().filter { seen.insert($0.element).inserted }.sorted { left, right in
            let (a, b) = (left.element.place, right.element.place)
            if let fileA = a.file, let fileB = b.file, fileA != fileB {
                return (files.firstIndex(of: fileA) ?? 0) < (files.firstIndex(of: fileB) ?? 0)
            }
            if a < b { return true }
            return b < a ? false : left.offset < right.offset
        }.map(\.element)
    }
}

/// The place where a value was set, for error messages and for the origins of effective values.
package enum Place: Hashable, Sendable, CustomStringConvertible {
    /// A position in a file. Line and column start at 1; columns are Unicode scalars, as editors and libYAML count.
    case file(String, line: Int, column: Int)
    case environment(String)
    /// The flag as the user typed it: `--set disk.size`.
    case flag(String)
    case `default`

    /// The place in the form that compilers use in error messages: `sandbox.yaml:12:9`.
    package var description: String {
        switch self {
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): "environment \(name)"
        case .flag(let flag): "flag \(flag)"
        case .default: "default"
        }
    }

    /// The place in the form for lists of effective values, where a column would only be noise.
    package var origin: String {
        if case .file(let path, let line, _) = self { "\(path):\(line)" } else { description }
    }

    var file: String? {
        if case .file(let path, _, _) = self { path } else { nil }
    }

    /// Orders files by line first, then the environment, then flags: the order in which a user fixes errors.
    static func < (lhs: Place, rhs: Place) -> Bool {
        switch (lhs, rhs) {
        case (.file(let left, let line, let column), .file(let right, let otherLine, let otherColumn)):
            left == right && (line, column) < (otherLine, otherColumn)
        default: lhs.rank < rhs.rank
        }
    }

    private var rank: Int {
        switch self {
        case .file: 0
        case .environment: 1
        case .flag: 2
        case .default: 3
        }
    }
}

/// Finds the known word that the user probably meant.
package enum DidYouMean {
    /// The suggestion as a phrase, or `nil` if no known word is close.
    package static func suggestion(for word: String, among known: some Sequence<String>) -> String? {
        closest(to: word, among: known).map { "did you mean '\($0)'?" }
    }

    /// The closest known word, if it differs from `word` in at most a third of its letters.
    ///
    /// Differences in case and between `-` and `_` do not count.
    static func closest(to word: String, among known: some Sequence<String>) -> String? {
        let wanted = folded(word)
        return known.map { (word: $0, distance: distance(wanted, folded($0))) }
            .filter { $0.distance <= max(1, min(wanted.count, $0.word.count) / 3) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
    }

    /// The Damerau–Levenshtein distance: an insertion, deletion, substitution or swap of neighbors counts as one.
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var previous: [Int] = []
        var current = Array(0...right.count)
        for i in left.indices {
            var next = [i + 1]
            for j in right.indices {
                let change = current[j] + (left[i] == right[j] ? 0 : 1)
                var best = min(change, current[j + 1] + 1, next[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    best = min(best, previous[j - 1] + 1)
                }
                next.append(best)
            }
            (previous, current) = (current, next)
        }
        return current[right.count]
    }

    private static func folded(_ word: String) -> [Character] {
        Array(word.lowercased().replacing("-", with: "_"))
    }
}

/// Values from flags and environment variables, which are plain strings.
enum RawText {
    /// The string as a scalar, with the type that YAML would give it.
    static func scalar(_ text: String) -> Item.Scalar {
        var scalar = NodeConverter.scalar(text, Node(text))
        scalar.isRaw = true
        return scalar
    }

    static func item(_ text: String, key: String, place: Place) -> Item {
        Item(key: key, place: place, content: .scalar(scalar(text)))
    }

    /// The string as the value of a key: a list also in the way of a definition, `[a, b]`.
    static func setting(_ text: String, key: String, place: Place, _ diagnostics: inout [Diagnostic]) -> Item? {
        guard trimmed(text).hasPrefix("[") else { return item(text, key: key, place: place) }
        return yaml(text, key: key, place: place, &diagnostics)
    }

    /// The string parsed as YAML, for playbook variables: `3`, `true`, `[a, b]`, `{a: 1}`.
    static func yaml(_ text: String, key: String, place: Place, _ diagnostics: inout [Diagnostic]) -> Item? {
        var found: [Diagnostic] = []
        if trimmed(text).isEmpty { return item("", key: key, place: place) }
        guard let item = YAMLDocument.parse(Array(text.utf8), path: "", diagnostics: &found), found.isEmpty else {
            diagnostics += found.map { Diagnostic(place, $0.message, $0.suggestion) }
            return nil
        }
        return relocated(item, under: key, place)
    }

    static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func relocated(_ item: Item, under key: String, _ place: Place) -> Item {
        let content: Item.Content =
            switch item.content {
            case .scalar: item.content
            case .list(let items): .list(items.map { relocated($0, under: key, place) })
            case .map(let entries):
                .map(
                    entries.map {
                        Item.Entry(
                            name: $0.name, place: place, item: relocated($0.item, under: "\(key).\($0.name)", place))
                    })
            }
        return Item(key: key, place: place, content: content)
    }
}
