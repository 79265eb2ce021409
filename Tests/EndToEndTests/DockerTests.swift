import AWSTestSupport
import Foundation
import RegistryTestSupport
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

extension EndToEnd {
    /// The Docker edition of this project's own sandbox as a user makes it, in a daemon and a registry that the test
    /// starts.
    @Suite("The Docker edition", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct DockerTests {
        /// With `DSS_FULL_TWIN`, the image is also built from nothing with a second cache. Otherwise ``DockerTwiceTests``
        /// does so with few roles, since a second installation of everything takes minutes.
        @Test("is pushed, loaded, verified and removed; a second build has nothing to do")
        func wholeJob() async throws {
            try await Workspace.with { workspace in
                try await Registry.with { registry in
                    try await DockerDaemonOfTest.with(in: workspace.root) { docker in
                        try await ScriptLanguages.served { url in
                            let build = [
                                "create-docker-image", "--repository", "\(registry.host)/exasol/sandbox",
                                "--version", Self.version, "--set", "playbook.variables.script_languages_url=\(url)",
                            ]
                            try await Self.wholeJob(build, registry, docker, workspace)
                            let record = try Self.record(workspace)
                            #expect(record.missing.isEmpty)
                            guard ProcessInfo.processInfo.environment["DSS_FULL_TWIN"] != nil else { return }
                            let twin = try await Self.fromNothing(build, workspace)
                            #expect(twin.layers.filter { !record.layers.contains($0) }.isEmpty, "\(record.layers)")
                            #expect(twin.digest == record.digest)
                        }
                    }
                }
                let layout = "\(Self.folder(workspace))/docker"
                let withoutDaemon = try await workspace.run(["verify-docker-image", layout, "--without-daemon"])
                #expect(withoutDaemon.status.isSuccess, "\(withoutDaemon)")
                let removed = try await workspace.run(["delete-assets", "--asset-id", "dss-e2e-docker", "--yes"])
                #expect(removed.status.isSuccess, "\(removed)")
                #expect(workspace.bucketFiles.isEmpty, "\(workspace.bucketFiles)")
                let links = try await SystemCommandRunner().run(Command("ip", ["-brief", "link"]))
                #expect(!links.contains(DockerDaemonOfTest.bridge))
            }
        }

        private static let version = "1.2.3"

        private static func wholeJob(
            _ build: [String], _ registry: Registry, _ docker: DockerDaemonOfTest, _ workspace: Workspace
        ) async throws {
            let build = build + ["--asset-id", "dss-e2e-docker", "--publish"]
            let first = try await workspace.run(build + ["--load"], environment: docker.environment)
            try #require(first.status.isSuccess, "\(first)")
            let sent = try registry.uploads()

            let again = try await workspace.run(build, environment: docker.environment)
            #expect(again.status.isSuccess && again.standardOutput.contains("nothing to do"), "\(again)")
            #expect(try registry.uploads() == sent && sent > 0)
            try await pull(registry, workspace)
            try await list(build, workspace)

            let image =
                ProcessInfo.processInfo.environment["DSS_DOCKER_IMAGE"] ?? "\(registry.host)/exasol/sandbox:\(version)"
            let verified = try await workspace.run(["verify-docker-image", image], environment: docker.environment)
            print(verified.standardOutput)
            #expect(verified.status.isSuccess, "\(verified)")
            #expect(verified.standardOutput.contains("passed exaslct reads the flavors of script-languages-release"))
            try await firstStart(image, docker, workspace.root)
        }

        /// The record of a build with another asset id and an empty cache.
        private static func fromNothing(_ build: [String], _ workspace: Workspace) async throws -> Manifest.Container {
            let folder = "\(workspace.root)/twin"
            let own = Workspace(root: folder, cache: "\(folder)/cache", definition: workspace.definition)
            let said = try await own.run(build + ["--asset-id", "dss-e2e-twin"])
            try #require(said.status.isSuccess, "\(said)")
            let bucket = "\(folder)/bucket/data_science_sandbox/dss-e2e-twin"
            return try #require(Manifest.read("\(bucket)/\(Manifest.fileName)")?.container)
        }

        private static func record(_ workspace: Workspace) throws -> Manifest.Container {
            try #require(Manifest.read("\(folder(workspace))/\(Manifest.fileName)")?.container)
        }

        private static func folder(_ workspace: Workspace) -> String {
            "\(workspace.root)/bucket/data_science_sandbox/dss-e2e-docker"
        }

        /// What the registry gives is what was built.
        private static func pull(_ registry: Registry, _ workspace: Workspace) async throws {
            #expect(try await registry.tags("exasol/sandbox") == [version, "latest"])
            let record = try record(workspace)
            #expect(record.isPublished)
            let pulled = ImageLayout(directory: "\(workspace.root)/pulled")
            try await registry.pull("exasol/sandbox:latest", to: pulled.directory)
            #expect(try pulled.manifestDigest() == record.digest)
            #expect(await pulled.isWhole())
        }

        /// An account on AWS knows of it, from wherever it is asked.
        private static func list(_ build: [String], _ workspace: Workspace) async throws {
            try await AWSEmulator.with { emulator in
                let account = AWSAccountOfTest(workspace: workspace, emulator: emulator)
                try await account.setUp()
                let listed = try await account.dss(build + ["--list-on-aws"])
                #expect(listed.status.isSuccess, "\(listed)")
                let shown = try await account.dss("show-aws-assets", "--asset-id", "dss-e2e-docker")
                #expect(shown.standardOutput.contains("docker pull \(build[2]):\(version)\n"), "\(shown)")
                let removed = try await account.dss("delete-aws-assets", "--asset-id", "dss-e2e-docker", "--yes")
                #expect(removed.status.isSuccess, "\(removed)")
            }
        }

        /// A notebook of somebody's with a name that the image uses too stays; one that was removed stays removed.
        private static func firstStart(_ image: String, _ docker: DockerDaemonOfTest, _ folder: String) async throws {
            let volume = "\(folder)/volume"
            try makeDirectory(volume, mode: 0o777)
            let run = ["run", "--rm", "--volume", "\(volume):/home/ubuntu/notebooks", image, "true"]
            try writeAtomically("mine", to: "\(volume)/00-start.ipynb")
            try await docker.run(run)
            #expect(try readText("\(volume)/00-start.ipynb") == "mine")
            try removeFile("\(volume)/00-start.ipynb")
            try await docker.run(run)
            #expect(!fileExists("\(volume)/00-start.ipynb"))
        }
    }
}
