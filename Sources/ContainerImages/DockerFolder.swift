import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The place of one image in the local bucket: a layout, and the record that says that it is finished.
package struct DockerFolder: Sendable {
    /// The folder of an asset id.
    package var root: String

    package init(root: String) {
        self.root = root
    }

    package var layout: ImageLayout { ImageLayout(directory: "\(root)/docker") }
    var unfinished: ImageLayout { ImageLayout(directory: "\(root)/.docker.partial") }
    var recordPath: String { "\(root)/\(DockerRecord.fileName)" }
    package var record: DockerRecord? { DockerRecord.read(recordPath) }

    /// The image that an order would give, where it is there and whole.
    func finished(_ order: DockerOrder) async -> DockerRecord? {
        guard let record, record.inputs == order.inputs, record.missing.isEmpty || !order.build.isRelease,
            (try? layout.manifestDigest()) == record.digest, await layout.isWhole()
        else { return nil }
        return record
    }

    /// Makes the folder and registers that a half-written image in it is removed again.
    func prepare(undo: Undo) async throws {
        try makeDirectory(root)
        let unfinished = unfinished.directory
        let root = root
        await undo.register("a half-written image in \(root)", remedy: "rm -r \(shellQuoted(unfinished))") {
            if fileExists(unfinished) { try FileManager.default.removeItem(atPath: unfinished) }
            // Refused by the kernel where anything is left in it, which is what is wanted.
            rmdir(root)
        }
        if fileExists(unfinished) { try FileManager.default.removeItem(atPath: unfinished) }
    }

    /// Puts the half-written layout in place. The old record goes first, so that at no time one describes another image.
    func publish(_ record: DockerRecord) throws {
        try removeFile(recordPath)
        if fileExists(layout.directory) { try FileManager.default.removeItem(atPath: layout.directory) }
        try renameFile(unfinished.directory, to: layout.directory)
        try record.write(recordPath)
    }

    /// Writes the record anew, of the same image.
    func note(_ record: DockerRecord) throws { try record.write(recordPath) }

    /// Removes the image; what is missing already is fine.
    package func remove() throws {
        try removeFile(recordPath)
        for directory in [layout.directory, unfinished.directory] where fileExists(directory) {
            try FileManager.default.removeItem(atPath: directory)
        }
        rmdir(root)
    }
}
