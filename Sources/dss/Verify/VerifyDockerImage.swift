import ArgumentParser
import LocalProvider
import Reporting
import Sandbox

/// `dss verify-docker-image`
struct VerifyDockerImage: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-docker-image",
        abstract: "Start a Docker image and verify the sandbox",
        discussion: """
            Starts the image with the local Docker daemon, or with runc if no daemon is running. Checks JupyterLab, \
            the notebooks in a mounted volume, the Docker socket, users and file owners, and that the image contains \
            nothing that it must not contain. Requires root.

            Exits with 1 if a check fails.

            Examples:
              sudo dss verify-docker-image bucket/data_science_sandbox/0.1.0/docker
              sudo dss verify-docker-image exasol/data-science-sandbox:0.1.0 --json
            """)

    @Argument(help: "Directory of an OCI image layout, or an image name as for docker run", completion: .directory)
    var image: String

    @Flag(name: .customLong("without-daemon"), help: "Use runc even if a Docker daemon is running")
    var withoutDaemon = false

    @OptionGroup var output: OutputOptions

    var needsRoot: Bool { true }

    func run(in live: Live) async throws {
        let writer = CheckWriter(live, json: output.json)
        writer.begin(image)
        let report = try await verifyDockerImage(
            image, runner: live.runner, environment: live.environment, withoutDaemon: withoutDaemon,
            onCheck: writer.check)
        writer.end(report)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}
