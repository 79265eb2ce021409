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
    func prepare(in scope: Scope) async throws {
        try makeDirectory(root)
        let unfinished = unfinished.directory
        let root = root
        await scope.undo.register("a half-written image in \(root)", remedy: "rm -r \(shellQuoted(unfinished))") {
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

/// `docker-image.json` beside a finished image: what it is and what it was made from. It is written last.
package struct DockerRecord: Sendable, Codable, Equatable {
    package static let fileName = "docker-image.json"

    package struct Part: Sendable, Codable, Equatable {
        package var name: String
        package var digest: String
        package var bytes: Int64
    }

    package var assetID: AssetID
    /// `[HOST[:PORT]/]ORG/REPO:VERSION`
    package var reference: String
    /// The manifest's digest.
    package var digest: String
    package var layers: [Part]
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int
    package var inputs: String
    /// Whether a registry has it under that reference.
    package var isPublished = false

    package var bytes: Int64 { layers.map(\.bytes).reduce(0, +) }
    package var pullLine: String { "docker pull \(reference)" }

    package static func read(_ path: String) -> DockerRecord? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    func write(_ path: String) throws { try writeAtomically(try json, to: path) }
}

/// Gives a finished image to whom reads no OCI layout.
package struct DockerArchive: Sendable {
    package var runner: any CommandRunner
    package var layout: ImageLayout
    package var record: DockerRecord
    package var version: String

    package init(runner: any CommandRunner, layout: ImageLayout, record: DockerRecord, version: String) {
        self.runner = runner
        self.layout = layout
        self.record = record
        self.version = version
    }

    /// Writes what `docker save` would write.
    package func archive(to path: String) async throws {
        let temporary = "\(path).partial"
        try removeFile(temporary)
        do {
            try await runner.run(.archive(layout, tag: version, to: temporary, reference: record.reference))
            try renameFile(temporary, to: path)
        } catch {
            try? removeFile(temporary)
            throw error
        }
    }

    /// Loads it into the Docker daemon of this machine.
    package func load() async throws {
        try await requireDaemon()
        let archive = Command.archive(layout, tag: version, to: "/dev/stdout", reference: record.reference)
        try await runner.run(Command("bash", ["-o", "pipefail", "-c", "\(archive.shellLine) | docker load --quiet"]))
    }

    private func requireDaemon() async throws {
        guard await DockerDaemon(runner: runner).answers else {
            throw Failure(
                .unavailable, "no Docker daemon answers, so the image cannot be loaded into one",
                advice: "start it, for example with: sudo systemctl start docker")
        }
    }
}

/// The Docker daemon that the `docker` command of this machine talks to.
package struct DockerDaemon: Sendable {
    package var runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    package var answers: Bool {
        get async {
            let output = try? await runner.execute(Command("docker", ["version", "--format", "{{.Server.Version}}"]))
            return output?.status.isSuccess ?? false
        }
    }
}
