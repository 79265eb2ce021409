import Sandbox

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
