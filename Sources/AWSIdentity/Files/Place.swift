/// Where something stands in a configuration file; lines and columns count from 1.
struct Place: Sendable, Equatable, Hashable {
    var path: String
    /// The path as people write it: `~/.aws/config`.
    var shownPath: String
    var line: Int
    var column = 1

    /// As compilers begin an error line.
    var full: String { "\(path):\(line):\(column)" }
    /// As a sentence names it.
    var short: String { "\(shownPath):\(line)" }
}
