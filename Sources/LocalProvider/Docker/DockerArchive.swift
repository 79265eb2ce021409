import Sandbox
import Workbench

/// Exports a finished image for tools that do not read OCI layouts.
package struct DockerArchive: Sendable {
    package var runner: any CommandRunner
    package var layout: ImageLayout
    package var container: Manifest.Container
    package var version: String

    package init(runner: any CommandRunner, layout: ImageLayout, container: Manifest.Container, version: String) {
        self.runner = runner
        self.layout = layout
        self.container = container
        self.version = version
    }

    /// Writes an archive in the format of `docker save`.
    package func archive(to path: String) async throws {
        let temporary = "\(path).partial"
        try removeFile(temporary)
        do {
            try await runner.run(.archive(layout, tag: version, to: temporary, reference: container.reference))
            try renameFile(temporary, to: path)
        } catch {
            try? removeFile(temporary)
            throw error
        }
    }

    /// Loads the image into the Docker daemon of this host.
    package func load() async throws {
        try await requireDaemon()
        let archive = Command.archive(layout, tag: version, to: "/dev/stdout", reference: container.reference)
        try await runner.run(Command("bash", ["-o", "pipefail", "-c", "\(archive.shellLine) | docker load --quiet"]))
    }

    private func requireDaemon() async throws {
        guard await DockerDaemon(runner: runner).answers else {
            throw Failure(
                .unavailable, "no Docker daemon responds; the image was not loaded",
                advice: "start it, for example with: sudo systemctl start docker")
        }
    }
}

/// The Docker daemon that the `docker` command of this host connects to.
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
