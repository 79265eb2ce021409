import Sandbox
import Yams

/// One mistake in what a person wrote: where it is, what it is, and what would be right.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package var place: Place
    package var message: String
    /// Continues the message after a comma: `did you mean 'jupyter'?`
    package var suggestion: String?

    package init(_ place: Place, _ message: String, _ suggestion: String? = nil) {
        self.place = place
        self.message = message
        self.suggestion = suggestion
    }

    package var description: String {
        "\(place): error: \(message)" + (suggestion.map { ", \($0)" } ?? "")
    }
}

extension [Diagnostic] {
    /// All mistakes as the one failure that a command throws.
    ///
    /// The code is `.badData` as soon as a file has a mistake, and `.usage` where only flags or variables have.
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
        let mistakes = sorted.count == 1 ? "a mistake" : "\(sorted.count) mistakes"
        return Failure(
            sorted.contains { $0.place.file != nil } ? .badData : .usage,
            "\(sources.joined(separator: " and ")) \(verb) \(mistakes)", details: sorted.map(\.description))
    }

    /// Sorted by place and without repetitions; files keep the order in which they were read.
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

/// Where a value was written, so that a mistake and an effective value can both name their source.
package enum Place: Hashable, Sendable, CustomStringConvertible {
    /// Line and column count from 1; columns are Unicode scalars, as editors and libYAML count them.
    case file(String, line: Int, column: Int)
    case environment(String)
    /// The flag as a person typed it: `--set disk.size`.
    case flag(String)
    case `default`

    /// As compilers begin an error line: `sandbox.yaml:12:9`.
    package var description: String {
        switch self {
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): "environment \(name)"
        case .flag(let flag): "flag \(flag)"
        case .default: "default"
        }
    }

    /// As a list of effective values names it; the column would only be noise there.
    package var origin: String {
        if case .file(let path, let line, _) = self { "\(path):\(line)" } else { description }
    }

    var file: String? {
        if case .file(let path, _, _) = self { path } else { nil }
    }

    /// Files by line first, then the environment, then flags: the order in which a person mends them.
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

/// Finds what a person probably meant among the words that are known.
package enum DidYouMean {
    /// The suggestion in words, or `nil` where nothing known is near.
    package static func suggestion(for word: String, among known: some Sequence<String>) -> String? {
        closest(to: word, among: known).map { "did you mean '\($0)'?" }
    }

    /// The nearest known word that at most a third of its letters tells from `word`; case and `-` for `_` are free.
    static func closest(to word: String, among known: some Sequence<String>) -> String? {
        let wanted = folded(word)
        return known.map { (word: $0, distance: distance(wanted, folded($0))) }
            .filter { $0.distance <= max(1, min(wanted.count, $0.word.count) / 3) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
    }

    /// Damerau's distance: insertions, deletions, substitutions and swapped neighbours count one each.
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

/// Values from flags and environment variables, where there is a string and nothing else.
enum RawText {
    /// The string as a scalar, with the kind that YAML would see in it.
    static func scalar(_ text: String) -> Item.Scalar {
        var scalar = NodeConverter.scalar(text, Node(text))
        scalar.isRaw = true
        return scalar
    }

    static func item(_ text: String, key: String, place: Place) -> Item {
        Item(key: key, place: place, content: .scalar(scalar(text)))
    }

    /// The string as any YAML value, for playbook variables: `3`, `true`, `[a, b]`, `{a: 1}`.
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
