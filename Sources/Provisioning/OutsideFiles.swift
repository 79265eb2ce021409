import FoundationEssentials
import Sandbox
import Workbench

/// What Ansible reads on this host outside of a playbook's folder, such as `vars_files: [../more.yml]`.
///
/// A playbook does not tell where these files are before it runs. The plugin `dss_reads` notes them during a build, as
/// a compiler writes a dependency file for `make`. The result is kept with what was built: digests by path, relative to
/// the playbook's folder, so that each clone of a playbook means its own files.
package enum OutsideFiles {
    /// The digests of files as they are now, without those that do not exist.
    package static func digests(of paths: some Sequence<String>, from folder: String) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: paths.compactMap { path in
                digest(of: normalizedPath("\(folder)/\(path)")).map { (path, $0) }
            })
    }

    /// The same digests under the names that a person knows.
    package static func named(_ digests: [String: String], from folder: String) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: digests.map { path, digest in
                ("\(normalizedPath("\(folder)/\(path)")) (outside of the playbook)", digest)
            })
    }

    /// The files that the plugin noted.
    ///
    /// The pins have their own place in a key. A file that does not exist any more was made by the play itself.
    static func noted(in record: String, of playbook: SandboxDefinition.Playbook) throws -> [String: String] {
        guard fileExists(record) else { return [:] }
        let folder = parentDirectory(playbook.file)
        let lines = try readText(record).split(separator: "\n").map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
        // What was read first is what the step began with. A file that was changed since counts as changed.
        return Dictionary(lines.map { ($0[0], $0[1]) }) { first, _ in first }.filter { path, _ in
            let file = normalizedPath("\(folder)/\(path)")
            return fileExists(file) && canonicalPath(file) != canonicalPath(playbook.pins)
        }
    }

    /// The digest of a file, or of the names in a directory, as in `dss_reads.py`; `nil` for anything else.
    private static func digest(of path: String) -> String? {
        switch FileKind(of: path) {
        case .file:
            var hash = ContentHash()
            try? hash.addTree(path)
            return hash.parts[path]
        case .directory:
            let names = try? FileManager.default.contentsOfDirectory(atPath: path)
            let sorted = names?.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            return sorted.map { sha256(ofText: $0.joined(separator: "\0")) }
        case .pipe, .other, nil: return nil
        }
    }
}
