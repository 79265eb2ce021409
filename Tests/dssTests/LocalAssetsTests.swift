import AWSTestSupport
import Foundation
import GuestTestSupport
import Testing
import Workbench

/// The real program on a bucket of its own.
@Suite("dss show-assets and delete-assets")
struct LocalAssetsTests {
    @Test("everything of an asset id is listed and removed, and nothing else")
    func everything() async throws {
        try await Owner.with { owner in
            let shown = try await owner.dss("show-assets", "--asset-id", "1.*", "--json")
            #expect(
                shown.rows.map { "\($0["asset_id"]!) \($0["kind"]!) \($0["state"]!)" } == [
                    "1.0 partial-export orphaned", "1.0 manifest ready", "1.0 manifest ready", "1.0 image ready",
                    "1.0 image ready", "1.1 image orphaned",
                ], "what a manifest that cannot be read lists is no leftover: \(shown)")
            guard geteuid() == 0 else { return }
            let dry = try await owner.dss("delete-assets", "--asset-id", "1.0", "--dry-run")
            #expect(dry.output.contains("5 assets") && owner.files("1.0").count == 6, "\(dry)")
            #expect(try await owner.dss("delete-assets", "--asset-id", "1.0").status == .exited(64))
            let removed = try await owner.dss("delete-assets", "--asset-id", "1.0", "--yes")
            #expect(removed.output.hasSuffix("removed 5 assets of 1.0\nremoved 5 assets\n"), "\(removed)")
            #expect(owner.files("1.0") == ["notes.txt"] && owner.files("1.1") == ["small-1.1.raw"])
            let again = try await owner.dss("delete-assets", "--asset-id", "1.0", "--yes")
            #expect(again.status.isSuccess && again.output == "no assets match '1.0'\n", "\(again)")
        }
    }

    @Test("of leftovers, finished images are no part", .enabled(if: geteuid() == 0, "needs root"))
    func leftovers() async throws {
        try await Owner.with { owner in
            try makeDirectory("\(owner.root)/state/builds/1.1")
            try makeDirectory("\(owner.root)/state/failures/1.0")
            try writeAtomically("hash", to: "\(owner.root)/state/1.0.password")
            let shown = try await owner.dss("show-assets", "--asset-id", "1.0", "--json")
            #expect(shown.rows.contains { "\($0["kind"]!) \($0["state"]!)" == "failure-logs kept" }, "\(shown)")
            // Guests of other tests are in use, whatever their bucket.
            let leftovers = { try await owner.dss("delete-assets", "--leftovers", "--asset-id", "1.*", "--yes") }
            let removed = try await leftovers()
            #expect(removed.status.isSuccess, "\(removed)")
            let kept = ["START.md", "manifest.json", "notes.txt", "small-1.0.tar.gz", "small-1.0.vhd"]
            #expect(owner.files("1.0") == kept && owner.files("1.1") == [])
            #expect(!fileExists("\(owner.root)/state/builds/1.1") && !fileExists("\(owner.root)/state/failures/1.0"))
            #expect(fileExists("\(owner.root)/state/1.0.password"))
            let again = try await leftovers()
            #expect(again.status.isSuccess && again.output == "no leftovers match '1.*'\n", "\(again)")
        }
    }

    @Test("no at the question removes nothing", .enabled(if: geteuid() == 0, "needs root"))
    func declined() async throws {
        try await Owner.with { owner in
            let seen = try await Program.atTerminal(["delete-assets", "--asset-id", "1.0"], owner.environment) {
                _ = try await $0.expect("Remove all of these assets? [y/N]")
                try await $0.send("n")
            }
            #expect(seen.contains("nothing was removed") && seen.contains(/rc=1\s/), "\(seen)")
            #expect(owner.files("1.0").count == 6)
        }
    }

    @Test("what cannot be removed is named, with its command", .enabled(if: geteuid() == 0, "needs root"))
    func leftover() async throws {
        try await Owner.with { owner in
            let path = "\(owner.folder("1.1"))/folder.vhd"
            try makeDirectory(path)
            let said = try await owner.dss("delete-assets", "--asset-id", "1.1", "--yes")
            #expect(said.status == .exited(1) && said.errors.contains("1 of 2 assets could not be removed"), "\(said)")
            #expect(said.errors.contains("remove it with: rm -r \(path)\n"), "\(said.errors)")
        }
    }

    @Test("what a running build uses is kept, and said to be", .enabled(if: geteuid() == 0, "needs root"))
    func inUse() async throws {
        try await Owner.with { owner in
            let build = "\(owner.root)/state/builds/1.1"
            try makeDirectory(build)
            let lock = try FileLock("\(build).lock", holder: "test")
            let shown = try await owner.dss("show-assets", "--asset-id", "1.1", "--json")
            #expect(shown.rows.map { $0["state"] as? String } == ["in-use", "in-use"], "\(shown)")
            let busy = try await owner.dss("delete-assets", "--asset-id", "1.1", "--yes")
            #expect(busy.status == .exited(75) && busy.errors.contains("in use by a running build"), "\(busy)")
            #expect(busy.output.contains("keeping build-directory \(build): in use by a running build\n"), "\(busy)")
            let others = try await owner.dss("delete-assets", "--asset-id", "1.*", "--yes")
            #expect(others.status.isSuccess && others.output.hasSuffix("removed 5 assets\n"), "\(others)")
            withExtendedLifetime(lock) {}
            #expect(owner.files("1.1") == ["small-1.1.raw"])
        }
    }

    @Test("the images of a running sandbox are kept, and said to be in use", .enabled(if: geteuid() == 0, "needs root"))
    func runningSandbox() async throws {
        try await Owner.with { owner in
            try owner.put("running", ["small-running.raw": ""])
            try await withPretendedGuest("running", in: owner.root) {
                let busy = try await owner.dss("delete-assets", "--asset-id", "running", "--yes")
                #expect(busy.status == .exited(75) && busy.errors.contains("build or virtual machine"), "\(busy)")
                let image = "\(owner.folder("running"))/small-running.raw"
                let line = "keeping image \(image): in use by a running virtual machine\n"
                #expect(busy.output.contains(line), "\(busy)")
            }
            #expect(owner.files("running") == ["small-running.raw"])
            let removed = try await owner.dss("delete-assets", "--asset-id", "running", "--yes")
            #expect(removed.status.isSuccess, "\(removed)")
            #expect(owner.files("running").isEmpty)
        }
    }

    /// Somebody with a bucket: what a killed build left, a file that no build made, and another asset id.
    private struct Owner {
        let root: String

        static func with(_ body: (Owner) async throws -> Void) async throws {
            try await withTemporaryDirectory { root in
                let owner = Owner(root: root)
                try owner.put("1.0", ["manifest.json": "{}", "small-1.0.vhd": "", ".small-1.0.raw.partial": ""])
                try owner.put("1.0", ["START.md": "", "notes.txt": "mine", "small-1.0.tar.gz": ""])
                try owner.put("1.1", ["small-1.1.raw": ""])
                try await body(owner)
            }
        }

        func folder(_ id: String) -> String { "\(root)/bucket/data_science_sandbox/\(id)" }

        func files(_ id: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: folder(id))) ?? []).sorted()
        }

        func put(_ id: String, _ files: [String: String]) throws {
            try makeDirectory(folder(id))
            for (name, text) in files { try writeAtomically(text, to: "\(folder(id))/\(name)") }
        }

        var environment: [String: String] {
            [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "xterm", "DSS_BUCKET": "\(root)/bucket",
                "DSS_CACHE": "\(root)/cache", "DSS_STATE": "\(root)/state",
            ]
        }

        func dss(_ arguments: String...) async throws -> ProgramOutput {
            try await Program.run(arguments, environment, in: root)
        }
    }
}
