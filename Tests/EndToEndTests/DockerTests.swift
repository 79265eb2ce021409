import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// The Docker edition of this project's own sandbox as a user makes it, in a daemon that the test starts.
    @Suite("The Docker edition", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct DockerTests {
        @Test("builds the image, loads, verifies and removes it; a second build has nothing to do")
        func wholeJob() async throws {
            try await Workspace.with { workspace in
                try await DockerDaemonOfTest.with(in: workspace.root) { docker in
                    let build = ["create-docker-image", "--asset-id", "dss-e2e-docker"]
                    let first = try await workspace.run(build + ["--load"], environment: docker.environment)
                    try #require(first.status.isSuccess, "\(first)")

                    let again = try await workspace.run(build, environment: docker.environment)
                    #expect(again.standardOutput.contains("nothing to do"), "\(again)")

                    let image =
                        ProcessInfo.processInfo.environment["DSS_DOCKER_IMAGE"]
                        ?? "exasol/data-science-sandbox:dss-e2e-docker"
                    let verified = try await workspace.run(
                        ["verify-docker-image", image], environment: docker.environment)
                    print(verified.standardOutput)
                    #expect(verified.status.isSuccess, "\(verified)")
                    try await Self.firstStart(image, docker, workspace.root)

                    let layout = "\(workspace.root)/bucket/data_science_sandbox/dss-e2e-docker/docker"
                    let withoutDaemon = try await workspace.run(["verify-docker-image", layout, "--without-daemon"])
                    #expect(withoutDaemon.status.isSuccess, "\(withoutDaemon)")
                }
                let removed = try await workspace.run(["delete-assets", "--asset-id", "dss-e2e-docker", "--yes"])
                #expect(removed.status.isSuccess, "\(removed)")
                #expect(workspace.bucketFiles.isEmpty, "\(workspace.bucketFiles)")
            }
        }

        /// A notebook of somebody's with a name that the image uses too stays; one that was removed stays removed.
        private static func firstStart(_ image: String, _ docker: DockerDaemonOfTest, _ folder: String) async throws {
            let volume = "\(folder)/volume"
            try makeDirectory(volume, mode: 0o777)
            let run = ["run", "--rm", "--volume", "\(volume):/home/ubuntu/notebooks", image, "true"]
            try writeAtomically("mine", to: "\(volume)/welcome.ipynb")
            try await docker.run(run)
            #expect(try readText("\(volume)/welcome.ipynb") == "mine")
            try removeFile("\(volume)/welcome.ipynb")
            try await docker.run(run)
            #expect(!fileExists("\(volume)/welcome.ipynb"))
        }
    }
}

/// A Docker daemon of the test's own, with all its files in one folder.
struct DockerDaemonOfTest: Sendable {
    var folder: String

    var environment: [String: String?] { ["DOCKER_HOST": "unix://\(folder)/docker.sock"] }

    static func with<Result: Sendable>(
        in parent: String, _ body: (DockerDaemonOfTest) async throws -> Result
    ) async throws -> Result {
        let daemon = DockerDaemonOfTest(folder: "\(parent)/docker")
        try makeDirectory(daemon.folder)
        let runner = SystemCommandRunner()
        let process = try await runner.start(
            Command(
                "dockerd",
                [
                    "--data-root", "\(daemon.folder)/data", "--exec-root", "\(daemon.folder)/exec", "--pidfile",
                    "\(daemon.folder)/pid", "--host", "unix://\(daemon.folder)/docker.sock", "--iptables=false",
                    "--bip", "172.31.249.1/24",
                ]), log: "\(daemon.folder)/log")
        return try await finally {
            let answers = #"until docker version >/dev/null 2>&1; do [ -e "/proc/$1" ] || exit 1; sleep 0.1; done"#
            try await runner.run(
                Command("sh", ["-c", answers, "sh", "\(process.pid)"], environment: daemon.environment))
            return try await body(daemon)
        } cleanup: {
            await process.stop(grace: .seconds(20))
            _ = try? await runner.execute(Command("rm", ["-rf", "--one-file-system", "--", daemon.folder]))
        }
    }

    @discardableResult
    func run(_ arguments: [String]) async throws -> String {
        try await SystemCommandRunner().run(Command("docker", arguments, environment: environment))
    }
}
