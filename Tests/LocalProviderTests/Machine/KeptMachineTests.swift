import FoundationEssentials
import Glibc
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

/// Kept machines as far as files, locks and processes go; `RealMachines` boots one.
@Suite("A machine that was kept after a failure")
struct KeptMachineTests {
    @Test("the next build neither removes it nor builds over it, and says what can be done")
    func refused() async throws {
        try await Kept.with { kept in
            let failure = await #expect(throws: Failure.self) {
                try await Scope.run { try await kept.factory.open(kept.assetID, in: $0) }
            }
            #expect(failure?.code == .temporary && failure?.message.contains("'mine' was kept") == true)
            #expect(
                failure?.details == [
                    "to look into it: sudo dss shell mine",
                    "to go on with it: sudo dss create-vm --resume",
                    "to remove it: sudo dss delete-assets --leftovers --asset-id mine",
                ])
            #expect(fileExists(kept.parts.workspace) && fileExists(kept.parts.directory))
        }
    }

    @Test(
        "the build is resumed by the command that was typed, whatever its options, or by one for its asset id",
        arguments: [
            (
                ["create-vm", "--default-password-file", "my secret", "--keep-on-failure", "--format", "raw"],
                "sudo dss create-vm --default-password-file 'my secret' --format raw --resume"
            ),
            (["create-vm", "--resume", "--no-cache", "--set=a=b"], "sudo dss create-vm --set=a=b --resume"),
            (["shell", "mine"], "sudo dss create-vm --asset-id mine --resume"),
            (["create-vm", "--release", "--keep-on-failure"], nil),
        ] as [([String], String?)])
    func resumeCommand(typed: [String], command: String?) async throws {
        try await withTemporaryDirectory { root in
            var factory = Kept.factory(root)
            factory.typed = typed
            let lines = factory.hints(try AssetID("mine"), .vm).filter { $0.hasPrefix("to go on with it: ") }
            #expect(lines == [command].compactMap { $0.map { "to go on with it: \($0)" } })
        }
    }

    @Test(
        "what can be known before a machine starts is refused before: a kept machine, none to resume, a running build")
    func refusedAtOnce() async throws {
        try await Kept.with { kept in
            let plan = MachinePlan(assetID: kept.assetID, base: .init(), profile: .tiny)
            let other = MachinePlan(assetID: try AssetID("other"), base: .init(), profile: .tiny)
            func refusal(_ plan: MachinePlan, resumes: Bool) -> Failure? {
                do { try kept.factory.requireBuildable(plan, resumes: resumes) } catch { return error as? Failure }
                return nil
            }
            #expect(refusal(plan, resumes: false)?.message.hasPrefix("the machine of 'mine' was kept") == true)
            #expect(refusal(plan, resumes: true)?.message.contains("another base system") == true)
            #expect(refusal(other, resumes: false) == nil)
            #expect(refusal(other, resumes: true)?.code == .badData)
            let lock = try FileLock(kept.parts.lock, holder: "mine (process 1)")
            #expect(refusal(plan, resumes: true)?.message == "another build of asset id mine (process 1) is running")
            withExtendedLifetime(lock) {}
        }
    }

    @Test("other asset ids are built as ever")
    func others() async throws {
        try await Kept.with { kept in
            try await Scope.run { scope in
                let build = try await kept.factory.open(AssetID("other"), in: scope)
                #expect(fileExists(build.directory))
            }
            #expect(fileExists(kept.parts.directory))
        }
    }

    @Test("is shown as kept, holds its cache entries, and goes when it is asked for")
    func shown() async throws {
        try await Kept.with { kept in
            let shown = try await kept.factory.leftovers()
            #expect(!shown.isEmpty && shown.allSatisfy { $0.state == "kept" && !$0.isOrphan && !$0.isInUse })
            let lock = kept.factory.cache.lock(.base, "b")
            let deadline = ContinuousClock.now + .seconds(20)
            while !CacheEntryLock.isHeld(lock), ContinuousClock.now < deadline { await Task.yield() }
            #expect(CacheEntryLock.isHeld(lock))
            #expect(try await !kept.factory.removeLeftovers(of: "mine").isEmpty)
            #expect(try await kept.factory.leftovers() == [])
            #expect(!CacheEntryLock.isHeld(lock))
        }
    }

    @Test("keeps its cache entries after a restart of the host, when no process holds them")
    func restarted() async throws {
        try await withTemporaryDirectory { root in
            let factory = Kept.factory(root)
            let base = CachedTree(key: "b", path: factory.cache.tree(.base, "b"))
            try makeDirectory(base.path)
            try CacheEntryManifest(key: "b", inputs: [:], fingerprint: "", bytes: 0, missing: [])
                .write(factory.cache.manifest(.base, "b"))
            let parts = factory.resources(try AssetID("mine"))
            try makeDirectory(parts.directory)
            var record = BuildRecord(try AssetID("mine"))
            record.machine = .init(trees: [base], profile: .tiny, reachesHost: false)
            record.kept = "before"
            try record.write(parts.directory)
            func prunable() async throws -> [String] {
                try await factory.prune(unusedForDays: 0, toBytes: nil, now: 1e12, isDryRun: true).removed.map(\.key)
            }
            #expect(try await prunable() == [])
            try removeFile("\(parts.directory)/\(BuildRecord.file)")
            #expect(try await prunable() == ["b"])
        }
    }

    @Test("is reopened with its changes, but without what the last build needed to run")
    func reopened() async throws {
        try await Kept.with { kept in
            let changes = "\(kept.parts.workspace)/changes-0"
            try makeDirectory("\(changes).work")
            try await Scope.run(keepsOnSuccess: true) { scope in
                let (build, machine) = try await kept.factory.reopen(kept.assetID, in: scope)
                #expect(machine.trees == [kept.base] && build.changes(above: machine.trees) == changes)
                #expect(fileExists("\(changes)/etc") && !fileExists("\(changes).work"))
                #expect(!fileExists(build.path("console.log")))
                #expect(kept.parts.heldLock != nil)
            }
            // However the build ends that goes on with it, unless it succeeds, the machine is kept again.
            #expect(BuildRecord.read(kept.parts.directory)?.kept == "before")
            #expect(kept.parts.heldLock == nil)
        }
    }

    @Test("cannot be reopened where none was kept, by another sandbox, or where a tree below it is gone")
    func notReopened() async throws {
        try await Kept.with { kept in
            let none = await #expect(throws: Failure.self) {
                try await Scope.run { try await kept.factory.reopen(AssetID("other"), in: $0) }
            }
            #expect(none?.code == .badData && none?.advice?.contains("create-vm --keep-on-failure") == true)
            var record = try #require(BuildRecord.read(kept.parts.directory))
            record.machine?.sandbox = "small"
            try record.write(kept.parts.directory)
            var plan = MachinePlan(assetID: kept.assetID, sandbox: "large", base: .init(), profile: .tiny)
            let others = await #expect(throws: Failure.self) {
                try await Scope.run { try await kept.factory.reopen(kept.assetID, for: plan, in: $0) }
            }
            #expect(others?.code == .badData && others?.message.contains("by a build of 'small'") == true)
            plan.sandbox = "small"
            let otherBase = await #expect(throws: Failure.self) {
                try await Scope.run { try await kept.factory.reopen(kept.assetID, for: plan, in: $0) }
            }
            #expect(otherBase?.code == .badData && otherBase?.message.contains("another base system") == true)
            #expect(BuildRecord.read(kept.parts.directory) == record && fileExists(kept.parts.workspace))
            try removeFile(kept.factory.cache.manifest(.base, "b"))
            try FileManager.default.removeItem(atPath: kept.base.path)
            let left = await #expect(throws: LeftBehind.self) {
                try await Scope.run(keepsOnFailure: true) { try await kept.factory.reopen(kept.assetID, in: $0) }
            }
            let gone = left?.cause as? Failure
            #expect(gone?.code == .badData && gone?.message.hasSuffix("is gone") == true)
            #expect(left?.kept.first == "the machine was kept" && left?.kept.count == 4)
            #expect(BuildRecord.read(kept.parts.directory)?.kept == "before")
        }
    }

    @Test("a copy that a killed shell left is found under its asset id, beside the kept machine, and removed with it")
    func killedShell() async throws {
        try await Kept.with { kept in
            try await Scope.run(keepsOnSuccess: true) { scope in
                let build = try await kept.factory.open(kept.assetID, for: "shell 1", in: scope)
                await scope.undo.remember(hint: "killed")
                let running = try await kept.factory.leftovers().filter(\.isInUse)
                #expect(!running.isEmpty && running.allSatisfy { $0.assetID == "mine" })
                build.close()
            }
            let shown = try await kept.factory.leftovers()
            #expect(Set(shown.map(\.assetID)) == ["mine"])
            #expect(Set(shown.map(\.state)) == ["kept", "orphaned"])
            #expect(try await !kept.factory.removeLeftovers(of: "mine").isEmpty)
            #expect(try await kept.factory.leftovers() == [])
        }
    }

    @Test("nobody gets a shell in a machine that was not kept")
    func noShell() async throws {
        try await Kept.with { kept in
            let status = try await kept.factory.shell([], inKept: AssetID("other"), isTerminal: false)
            #expect(status == nil)
        }
    }

    @Test("what explains a failure is saved for root alone, without passwords, and removed on demand")
    func logs() async throws {
        try await withTemporaryDirectory { root in
            let factory = Kept.factory(root)
            await #expect(throws: Failure.self) {
                try await Scope.run { scope in
                    let build = try await factory.open(AssetID("mine"), in: scope)
                    try writeAtomically("proxy http://me:secret@proxy:1\n", to: build.path("console.log"))
                    try makeDirectory(build.path("ansible"))
                    try writeAtomically("fatal: no\n", to: build.path("ansible/output.log"))
                    throw Failure(.failed, "no")
                }
            }
            let folder = factory.failureLogs(of: try AssetID("mine"))
            #expect(try readText("\(folder)/console.log") == "proxy http://•••@proxy:1\n")
            #expect(try readText("\(folder)/ansible.log") == "fatal: no\n")
            var status = stat()
            #expect(stat(folder, &status) == 0 && status.st_mode & 0o077 == 0)
            #expect(try await factory.logAssets().map(\.id) == [folder])
            #expect(try await factory.leftovers() == [])
            try await factory.removeLogs(of: AssetID("mine"))
            #expect(try await factory.logAssets() == [])
        }
    }

    @Test("goes on with the first step that the machine does not have as the plan has it now")
    func stepsDone() throws {
        let keys = ["b", layerKey(below: "b", step: "1")]
        let trees = (keys + [layerKey(below: keys[1], step: "2")]).map { CachedTree(key: $0, path: "/\($0)") }
        for (steps, done) in [
            (["1", "2", "3"], 2), (["1", "2"], 2), (["1", "x", "3"], 1), (["x", "2"], 0), (["1"], 1), ([], 0),
        ] {
            #expect(try Lab.plan("x", steps: steps).stepsDone(in: trees) == done, "\(steps)")
        }
        #expect(try Lab.plan("x", steps: ["1"]).stepsDone(in: [trees[0]]) == 0)
        var changed = trees
        changed[2].reads = ["../gone.yml": "digest"]
        #expect(try Lab.plan("x", steps: ["1", "2"]).stepsDone(in: changed) == 1)
    }

    @Test("a shell gets a terminal only if there is one, and its words one by one")
    func shellCommand() {
        let options = ["-F", "/c", "-o", "ControlMaster=no", "-o", "ControlPath=none"]
        #expect(Command.shell(config: "/c", alias: "m", [], isTerminal: true).arguments == options + ["-t", "m"])
        #expect(
            Command.shell(config: "/c", alias: "m", ["echo", "a b"], isTerminal: false).arguments
                == options + ["m", "echo 'a b'"])
    }

    @Test("a process holds the locks of several files")
    func holding() {
        #expect(
            Command.holding(["/a", "/b"]).shellLine
                == "flock --shared --no-fork /a flock --shared --no-fork /b sleep infinity")
        #expect(Command.holding([]).shellLine == "sleep infinity")
    }
}

/// A kept machine that does not run, on a base system of one file.
private struct Kept {
    let factory: LocalMachineFactory
    let assetID: AssetID
    let base: CachedTree

    var parts: BuildResources { factory.resources(assetID) }

    static func factory(_ root: String) -> LocalMachineFactory {
        LocalMachineFactory(
            runner: SystemCommandRunner(), cacheDirectory: "\(root)/cache", stateDirectory: "\(root)/state",
            host: HostSettings(), typed: ["create-vm"])
    }

    /// Ends every process of the machine at the end.
    static func with(_ body: (Kept) async throws -> Void) async throws {
        try await withTemporaryDirectory { root in
            let factory = factory(root)
            let base = CachedTree(key: "b", path: factory.cache.tree(.base, "b"))
            let kept = Kept(factory: factory, assetID: try AssetID("mine"), base: base)
            try makeDirectory("\(base.path)/etc")
            try CacheEntryManifest(key: "b", inputs: [:], fingerprint: "", bytes: 0, missing: [])
                .write(factory.cache.manifest(.base, "b"))
            try await Scope.run(keepsOnSuccess: true) { scope in
                let build = try await factory.open(kept.assetID, in: scope)
                await scope.undo.remember(hint: "here")
                try makeDirectory("\(build.changes(above: [base]))/etc")
                try makeDirectory(parentDirectory(factory.cache.lock(.base, "b")))
                try writeAtomically("up\n", to: build.path("console.log"))
                try factory.note(.init(trees: [base], profile: .tiny, reachesHost: false), of: build)
                var record = try #require(BuildRecord.read(build.directory))
                record.kept = "before"
                try record.write(build.directory)
            }
            try await finally {
                try await body(kept)
            } cleanup: {
                _ = try? await factory.removeLeftovers(of: "mine")
            }
        }
    }
}
