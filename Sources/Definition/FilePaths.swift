/// Joining of paths as text, without looking at the disk: symbolic links stay what they are.
enum FilePaths {
    /// `path` as seen from `directory`; `.` and `..` are resolved.
    static func join(_ directory: String, _ path: String) -> String {
        normalized(path.hasPrefix("/") || directory.isEmpty ? path : "\(directory)/\(path)")
    }

    /// The folder of a file, empty for a plain file name.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !path.hasPrefix("/") {
                parts.append(part)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}
