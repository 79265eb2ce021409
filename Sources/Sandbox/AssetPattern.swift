/// Picks assets by id: `6.1.0` is that id alone, `6.*` all that begin so, `?` is one character.
package struct AssetPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ pattern: String) {
        description = pattern
    }

    package var isExact: Bool { !description.contains(where: { "*?".contains($0) }) }

    package func matches(_ id: String) -> Bool {
        Self.matches(Array(description), Array(id))
    }

    /// Greedy matching that remembers the last star only, so it takes time linear in both for usual patterns
    /// and never more than their product.
    private static func matches(_ pattern: [Character], _ text: [Character]) -> Bool {
        var p = 0
        var t = 0
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                p = last.pattern + 1
                t = last.text + 1
                star = (last.pattern, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
