import Glibc

/// The folder of a path, `.` for a plain file name.
package func parentDirectory(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
}

/// The last part of a path.
package func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

/// Free bytes for ordinary users on the file system that a path is on; `nil` where it cannot be asked.
package func freeBytes(on path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(status.f_bavail) * Int64(status.f_frsize)
}
