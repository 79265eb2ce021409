import Sandbox

/// A value that a flag gives to a key of the definition; stronger than environment and file.
package struct Override: Sendable, Equatable {
    package var key: String
    package var value: String
    /// The flag as a person typed it, for messages: `--formats`, `--set disk.size`.
    package var flag: String

    /// For a flag of its own: `--formats vhd,raw` is `Override("formats", "vhd,raw", flag: "--formats")`.
    package init(_ key: String, _ value: String, flag: String) {
        self.key = key
        self.value = value
        self.flag = flag
    }

    /// For `--set KEY=VALUE`.
    package init(set assignment: String) throws {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw Failure(
                .usage, "'--set \(assignment)' is no KEY=VALUE", advice: "for example --set disk.size=12GiB")
        }
        let key = RawText.trimmed(String(assignment[..<equals]))
        self.init(key, String(assignment[assignment.index(after: equals)...]), flag: "--set \(key)")
    }
}
