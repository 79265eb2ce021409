import AWSTestSupport
import Foundation
import Testing
import Workbench

/// Commands that also work without a definition, but never ignore one that the user counts on.
@Suite("Commands with an optional definition")
struct OptionalDefinitionTests {
    static let commands: [[String]] =
        [
            ["show-assets"], ["show-aws-assets"], ["delete-aws-assets", "--asset-id", "x"],
            ["make-ami-public", "ami-0123456789abcdef0", "--yes"],
            ["copy-ami", "--asset-id", "x", "--to", "us-east-1"],
            ["verify-ami", "--asset-id", "x"], ["iam-policy", "--command", "show-aws-assets"],
            ["publish-index", "--dry-run"],
            ["reset-password", "--host", "h", "--user", "u", "--key", "k"],
        ] + (geteuid() == 0 ? [["delete-assets", "--asset-id", "x"]] : [])

    @Test("a file that was named and does not exist is an error that names it", arguments: commands)
    func missing(command: [String]) async throws {
        let said = try await run(command + ["--definition", "typo.yaml"])
        #expect(said.status == .exited(65), "\(said)")
        #expect(said.errors.contains("definition 'typo.yaml' not found"), "\(said.errors)")
    }

    @Test("--set is not dropped where there is nothing to override", arguments: commands)
    func override(command: [String]) async throws {
        let said = try await run(command + ["--set", "names.bucket_prefix=other"])
        #expect(said.status == .exited(64), "\(said)")
        #expect(said.errors.contains("--set needs a definition to override"), "\(said.errors)")
    }

    @Test("sandbox.yaml may be missing", arguments: [["show-assets"], ["iam-policy", "--command", "show-aws-assets"]])
    func standard(command: [String]) async throws {
        #expect(try await run(command).status.isSuccess)
    }

    @Test("a command that needs a definition tells a wrong name from a wrong directory")
    func needed() async throws {
        #expect(try await run(["definition", "--definition", "typo.yaml"]).status == .exited(65))
        #expect(try await run(["definition"]).status == .exited(64))
    }

    private func run(_ arguments: [String]) async throws -> ProgramOutput {
        try await withTemporaryDirectory { folder in
            let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DSS_DEFAULT_PASSWORD": "secret enough"]
            let folders = ["DSS_BUCKET", "DSS_CACHE", "DSS_STATE"].reduce(into: environment) { $0[$1] = folder }
            return try await Program.run(arguments, folders, in: folder)
        }
    }
}
