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
