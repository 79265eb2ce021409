import Glibc

/// Removes a file; one that is gone already is fine.
package func removeFile(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path) }
}

/// Renames within one file system, replacing a file of that name.
package func renameFile(_ path: String, to newPath: String) throws {
    guard rename(path, newPath) == 0 else { throw FileError("rename \(path) to", newPath) }
}
