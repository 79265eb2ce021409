import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// The whole job as a user does it: this project's own sandbox, from nothing to verified images and back to nothing.
    @Suite("The main job", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct MainJobTests {
        static let password = "for the tests only"

        @Test("builds the sandbox as VHD, boots and logs into it, rebuilds nothing, removes everything")
        func oneFormat() async throws { try await prove(verifying: ("vhd", "hyperv", "login")) }

        /// The Docker edition runs the same kernels and notebooks without emulation, so they are left out here.
        @Test("builds the sandbox in its default formats, verifies the system, rebuilds nothing, removes everything")
        func allFormats() async throws { try await prove(["vhd"], verifying: ("vmdk", "vmware", "system")) }

        private func prove(
            _ others: [String] = [], verifying image: (format: String, hardware: String, checks: String)
        ) async throws {
            try await Workspace.with { workspace in
                try await ScriptLanguages.served { url in
                    let password: [String: String?] = ["DSS_DEFAULT_PASSWORD": Self.password]
                    let build =
                        [
                            "create-vm", "--asset-id", "dss-e2e", "--release",
                            "--set", "playbook.variables.script_languages_url=\(url)",
                        ] + (others + [image.format]).flatMap { ["--format", $0] }
                    let first = try await workspace.run(build, environment: password)
                    try #require(first.status.isSuccess, "\(first)")
                    #expect(!first.standardError.contains("\u{1b}"), "no control characters where the output is piped")
                    #expect(!(first.standardError + first.standardOutput).contains(Self.password))
                    let folder = "\(workspace.root)/bucket/data_science_sandbox/dss-e2e"
                    let sums = try await SystemCommandRunner().execute(
                        Command("sha256sum", ["--check", "--strict", "SHA256SUMS"], workingDirectory: folder))
                    #expect(sums.status.isSuccess, "\(sums)")

                    let again = try await workspace.run(build, environment: password)
                    #expect(again.standardOutput.contains("nothing to do"), "\(again)")

                    let verified = try await workspace.run(
                        [
                            "verify-vm", "\(folder)/data-science-sandbox-dss-e2e.\(image.format)", "--hardware",
                            image.hardware, "--checks", image.checks,
                        ], environment: password)
                    print(verified.standardOutput)
                    #expect(verified.status.isSuccess, "\(verified)")
                }
                let removed = try await workspace.run(["delete-assets", "--asset-id", "dss-e2e", "--yes"])
                #expect(removed.status.isSuccess, "\(removed)")
                let traces = try await workspace.traces()
                #expect(traces.isEmpty)
                #expect(workspace.bucketFiles.isEmpty)
            }
        }
    }
}
