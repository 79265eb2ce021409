import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// Pinned versions against the real package index.
    @Suite("Pins")
    struct PinsTests {
        @Test("a missing version is named with the available one, and only its line is updated")
        func renew() async throws {
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                let definition = try SmallSandbox().write(to: folder)
                let text = try readText("\(folder)/pins.yaml")
                let pinned = text.replacing("apt: {}", with: "apt:\n  # copies files\n  rsync: \"0.0.1\"")
                try writeAtomically(pinned, to: "\(folder)/pins.yaml")
                try await Workspace.with(definition: definition) { workspace in
                    let check = try await workspace.run(["pins", "check"])
                    #expect(check.status == .exited(65), "\(check)")
                    #expect(check.standardOutput.contains("gone"))
                    let update = try await workspace.run(["pins", "update"])
                    #expect(update.status.isSuccess, "\(update)")
                    let renewed = try readText("\(folder)/pins.yaml")
                    #expect(renewed.contains("  # copies files\n  rsync: \""))
                    #expect(!renewed.contains("0.0.1"))
                    let again = try await workspace.run(["pins", "check"])
                    #expect(again.status.isSuccess, "\(again)")
                    #expect(again.standardOutput.contains("all 1 pinned versions are up to date"))
                }
            }
        }
    }
}
