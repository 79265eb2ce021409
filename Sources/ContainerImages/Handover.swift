import Sandbox
import Workbench

/// Gives a finished image to whom reads no OCI layout.
package struct Handover: Sendable {
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
