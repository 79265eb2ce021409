import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// A build that is ended in the middle leaves nothing that is not listed, and nothing that cannot be removed.
    @Suite("Killed builds", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct KillTests {
        static let stages = ["setup", "install", "seal", "capture", "export"]

        @Test("SIGINT and SIGTERM clean up in every stage", arguments: stages, [SIGINT, SIGTERM])
        func polite(_ stage: String, _ signal: Int32) async throws {
            try await withSmallSandbox { workspace in
                let status = try await build(workspace, killedIn: stage, by: signal)
                #expect(status == .exited(130))
                let traces = try await workspace.traces()
                #expect(traces.isEmpty)
                #expect(workspace.bucketFiles.isEmpty)
            }
        }

        @Test("SIGKILL leaves only what show-assets lists and delete-assets removes", arguments: stages)
        func impolite(_ stage: String) async throws {
            try await withSmallSandbox { workspace in
                let status = try await build(workspace, killedIn: stage, by: SIGKILL)
                #expect(status == .signaled(SIGKILL))
                let listed = try await workspace.run(["show-assets", "--json"])
                #expect(listed.standardOutput.contains("orphaned"), "\(listed)")
                let deleted = try await workspace.run(["delete-assets", "--asset-id", "e2e", "--yes"])
                #expect(deleted.status.isSuccess, "\(deleted)")
                let traces = try await workspace.traces()
                #expect(traces.isEmpty)
                #expect(workspace.bucketFiles.isEmpty)
            }
        }

        @Test("what SIGKILL leaves is removed by the next build, which reports it")
        func nextBuild() async throws {
            try await withSmallSandbox { workspace in
                _ = try await build(workspace, killedIn: "seal", by: SIGKILL)
                let next = try await workspace.run(["create-vm"])
                #expect(next.status.isSuccess, "\(next)")
                #expect(next.standardError.contains("removing leftovers of an earlier build"))
                let traces = try await workspace.traces()
                #expect(traces.isEmpty)
                #expect(
                    Set(workspace.bucketFiles.compactMap { $0.split(separator: "/").last })
                        == ["e2e", "small-e2e.raw", "manifest.json", "SHA256SUMS", "START.md"])
            }
        }

        private func withSmallSandbox(_ body: (Workspace) async throws -> Void) async throws {
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                try await Workspace.with(definition: SmallSandbox().write(to: folder), body)
            }
        }

        /// Starts a build, and sends it the signal as soon as it reports progress in the stage.
        private func build(_ workspace: Workspace, killedIn stage: String, by signal: Int32) async throws
            -> Workbench.ExitStatus
        {
            let log = "\(workspace.root)/events.jsonl"
            let pidFile = "\(workspace.root)/pid"
            let shell = Command(
                "sh", ["-c", #"echo $$ > "$2"; exec "$0" create-vm --json > "$1" 2>&1"#, workspace.dss, log, pidFile],
                environment: workspace.command([]).environment, workingDirectory: workspace.command([]).workingDirectory
            )
            async let output = SystemCommandRunner().execute(shell)
            try await waitFor(stage: stage, in: log)
            // Other tests may have builds of their own under way.
            let pid = try #require(pid_t(readText(pidFile).trimmingCharacters(in: .whitespacesAndNewlines)))
            kill(pid, signal)
            return try await output.status
        }

        /// Waits until a stage is at work: until it reports progress or, because an installation from the cache and the
        /// seal report none, until it has started.
        private func waitFor(stage: String, in log: String) async throws {
            let kind = ["install", "seal"].contains(stage) ? "stage-started" : "progress"
            let sign = [#""event":"\#(kind)""#, #""stage":"\#(stage)""#]
            for _ in 0..<2400 {
                let lines = ((try? readText(log)) ?? "").split(separator: "\n")
                if lines.contains(where: { line in sign.allSatisfy(line.contains) }) { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("no progress in the stage \(stage): \(tail(of: log))")
        }
    }
}
