import Workbench

/// Where the files of a system come from, and which of them nobody knows.
package struct InspectionReport: Sendable, Equatable {
    package enum Origin: String, Sendable, CaseIterable {
        case package, python, generated, declared, accepted
    }

    /// A file that nobody knows, or a directory in which nobody knows anything.
    package struct Unknown: Sendable, Equatable {
        package var path: String
        package var reason: String
        /// Number of files, links and special files.
        package var files: Int

        fileprivate func holds(_ other: Unknown) -> Bool { path.hasSuffix("/") && other.path.hasPrefix(path) }
    }

    /// Number of files by origin.
    package private(set) var files: [Origin: Int] = [:]
    /// Each unknown file, and each empty unknown directory.
    package private(set) var unknown: [Unknown] = []
    /// The same, where a directory in which nothing is known stands for its content.
    package private(set) var grouped: [Unknown] = []

    package var passed: Bool { unknown.isEmpty }

    /// - Parameter entries: each directory before its content.
    init(_ entries: [FileEntry], _ findings: [Finding]) {
        var known: Set<String> = []
        for (entry, finding) in zip(entries, findings) {
            guard case .known(let origin) = finding else { continue }
            if entry.kind != .directory { files[origin, default: 0] += 1 }
            // A directory with something known in it is known.
            var path = entry.path
            while !path.isEmpty, known.insert(path).inserted { path = parentDirectory(path) }
        }
        for (entry, finding) in zip(entries, findings) {
            guard case .unknown(let reason) = finding, !known.contains(entry.path) else { continue }
            let found =
                entry.kind == .directory
                ? Unknown(path: entry.path + "/", reason: reason, files: 0)
                : Unknown(path: entry.path, reason: reason, files: 1)
            // A directory that has content is named by it.
            if let last = unknown.last, last.holds(found) { unknown.removeLast() }
            unknown.append(found)
            if let last = grouped.indices.last, grouped[last].holds(found) {
                grouped[last].files += found.files
            } else {
                grouped.append(found)
            }
        }
    }
}
