import Workbench

/// The mounts of this process, in the order in which they were made.
struct MountTable: Sendable, Equatable {
    var targets: [String]

    /// - Parameter text: as in `/proc/self/mounts`; blanks in paths stand there as `\040`.
    init(_ text: String) {
        targets = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 1 ? Self.unescaped(String(fields[1])) : nil
        }
    }

    static var current: MountTable { MountTable((try? readText("/proc/self/mounts")) ?? "") }

    /// The mounts at a directory and below, the last made first, as they have to be undone.
    func below(_ directory: String) -> [String] {
        targets.filter { $0 == directory || $0.hasPrefix(directory + "/") }.reversed()
    }

    private static func unescaped(_ path: String) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(path) { path, escape in
            path.split(separator: escape.0, omittingEmptySubsequences: false).joined(separator: escape.1)
        }
    }
}
