import ArgumentParser
import LocalProvider
import Reporting
import Sandbox

/// `dss verify-docker-image`
struct VerifyDockerImage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-docker-image",
        abstract: "Proves that a Docker image of the sandbox starts and is what it claims to be.",
        discussion: """
            Starts the image with the Docker daemon of this machine, or with runc where none answers, and looks at \
            JupyterLab, the notebooks in a mounted volume, the Docker socket, users and owners, and at what no image \
            may carry. Needs root.

            Exits with 1 where a check fails.

            Examples:
              sudo dss verify-docker-image bucket/data_science_sandbox/0.1.0/docker
              sudo dss verify-docker-image exasol/data-science-sandbox:0.1.0 --json
            """)

    @Argument(help: "The folder of an OCI image layout, or an image's name as for docker run.", completion: .directory)
    var image: String

    @Flag(name: .customLong("without-daemon"), help: "Uses runc, also where a Docker daemon answers.")
    var withoutDaemon = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let live = Live()
        try live.requireRoot(for: "dss verify-docker-image")
        let writer = CheckWriter(output)
        writer.begin(image)
        let report = try await verifyDockerImage(
            image, runner: live.runner, environment: live.environment, withoutDaemon: withoutDaemon,
            onCheck: writer.check)
        writer.end(report)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}
