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
