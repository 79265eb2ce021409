import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// A running build with its lock, its directories and its locks on cache entries.
package final class Build: Sendable {
    package let assetID: AssetID
    package let name: String
    /// Directory for keys, configuration and logs.
    package let directory: String
    /// Directory for the trees that the build changes, on the cache's file system.
    package let workspace: String
    let holder: String
    /// How long the build may still read the contents of cache entries to compare them.
    let contentBudget: Mutex<Duration>
    private let locks: Mutex<Locks>

    private struct Locks: ~Copyable {
        var own: BuildLock?
        var entries: [CacheEntryLock] = []
    }

    init(
        assetID: AssetID, name: String, directory: String, workspace: String, holder: String,
        contentBudget: Duration, lock: consuming BuildLock
    ) {
        self.assetID = assetID
        self.name = name
        self.directory = directory
        self.workspace = workspace
        self.holder = holder
        self.contentBudget = Mutex(contentBudget)
        locks = Mutex(Locks(own: lock))
    }

    package func path(_ file: String) -> String { "\(directory)/\(file)" }

    /// The environment of every process of the build; it identifies processes left over by a killed build.
    var environment: [String: String?] { [Self.marker: directory] }
    static let marker = "DSS_BUILD_DIRECTORY"

    func hold(_ lock: CacheEntryLock) {
        locks.withLock { $0.entries.append(lock) }
    }

    /// Releases the asset id and the cache entries in use.
    func close() {
        locks.withLock {
            $0.own = nil
            $0.entries = []
        }
    }
}

/// The record in a build directory that identifies its build.
struct BuildRecord: Sendable, Equatable, Codable {
    static let file = "build.json"

    var assetID: String
    var pid: Int32
    var started: String
    /// The machine of the build, once it has one.
    var machine: Machine?
    /// When the machine was kept for its user after a failure; `nil` for a build that runs or was killed.
    var kept: String?

    /// What is needed to boot the machine again on its own changes.
    struct Machine: Sendable, Equatable, Codable {
        var trees: [CachedTree]
        var profile: BaseProfile
        var reachesHost: Bool
        /// Name of the sandbox that the machine becomes; another one with the same asset id must not go on with it.
        var sandbox: String?
        /// What the machine installs packages from; `nil` in the record of an older version.
        var base: SandboxDefinition.BaseSystem?
    }

    init(_ assetID: AssetID) {
        self.assetID = assetID.rawValue
        pid = getpid()
        started = Self.now
    }

    static var now: String { Date().formatted(.iso8601) }
    var holder: String { "\(assetID) (process \(pid), since \(started))" }

    static func read(_ directory: String) -> BuildRecord? {
        FileManager.default.contents(atPath: "\(directory)/\(file)")
            .flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
    }

    func write(_ directory: String) throws {
        try writeAtomically(
            String(decoding: try JSONEncoder().encode(self), as: UTF8.self) + "\n", to: "\(directory)/\(Self.file)")
    }
}

extension LocalMachineFactory {
    var buildsDirectory: String { "\(stateDirectory)/builds" }

    /// The resources of the build of an asset id.
    /// - Parameter purpose: tells a machine for something else than a build apart from the build's.
    func resources(_ assetID: AssetID, for purpose: String? = nil) -> BuildResources {
        let id = [assetID.rawValue, purpose].compactMap { $0 }.joined(separator: " ")
        return BuildResources(name: machineName(id, stateDirectory: stateDirectory), in: self)
    }

    /// - Throws: `Failure(.temporary)` that names the other build if one is running.
    func lock(_ parts: BuildResources, _ record: BuildRecord) throws -> BuildLock {
        try makeDirectory(buildsDirectory)
        try cache.prepare()
        try makeDirectory(parentDirectory(parts.sharedLock))
        do { return try BuildLock(parts, holder: record.holder) } catch let held as LockHeld {
            throw running(held.holder)
        }
    }

    private func running(_ holder: String) -> Failure {
        Failure(
            .temporary, "another build of asset id \(holder) is running",
            advice: "wait for it, stop it with Ctrl-C, or use another --asset-id")
    }

    /// Refuses a plan for a reason that is known without a machine. Takes no lock, so the build finds out again.
    func requireBuildable(_ plan: MachinePlan, resumes: Bool) throws {
        let parts = resources(plan.assetID)
        if let lock = parts.heldLock { throw running((try? readText(lock))?.trimmedLine ?? plan.assetID.rawValue) }
        if fileExists(parts.directory), access(parts.directory, R_OK | X_OK) != 0 {
            throw Failure(
                .noPermission, "a machine of '\(plan.assetID)' exists that only root can look into",
                details: ["it was kept after a failed build, or left by a build that was killed"],
                advice: "run the same command with sudo")
        }
        if resumes {
            _ = try keptMachine(of: plan.assetID, for: plan)
        } else {
            try requireNoneKept(plan.assetID, parts)
        }
    }

    private func requireNoneKept(_ assetID: AssetID, _ parts: BuildResources) throws {
        guard let record = BuildRecord.read(parts.directory), let kept = record.kept else { return }
        throw Failure(
            .temporary, "the machine of '\(assetID)' was kept after a failed build (\(kept))",
            details: hints(assetID, record.machine?.profile ?? .vm),
            advice: "go on with it, remove it, or use another --asset-id")
    }

    /// Locks an asset id and creates the build's directories; leftovers of a killed build of the same id are removed
    /// first.
    /// - Throws: `Failure(.temporary)` if another build is running, which it names, or if a machine of the asset id was
    ///   kept.
    package func open(_ assetID: AssetID, for purpose: String? = nil, in scope: Scope) async throws -> Build {
        let parts = resources(assetID, for: purpose)
        let record = BuildRecord(assetID)
        let lock = try lock(parts, record)
        try requireNoneKept(assetID, parts)
        if try await !find(parts, assetID: assetID.rawValue, state: .orphaned).isEmpty {
            scope.notice("removing leftovers of an earlier build of \(assetID) that was killed")
            try await dismantle(parts)
        }

        let build = await register(assetID, parts, record, lock, scope.undo)
        // Renamed into place, so that the directory is complete as soon as it exists.
        try makeDirectory(parts.unfinished, mode: 0o700)
        try record.write(parts.unfinished)
        guard rename(parts.unfinished, parts.directory) == 0 else { throw FileError("create", parts.directory) }
        try parts.createWorkspace()
        return build
    }

    /// Registers the removal of a build. Its machine is recorded if it is kept, and its logs are saved if it fails.
    func register(
        _ assetID: AssetID, _ parts: BuildResources, _ record: BuildRecord, _ lock: consuming BuildLock, _ undo: Undo
    ) async -> Build {
        let build = Build(
            assetID: assetID, name: parts.name, directory: parts.directory, workspace: parts.workspace,
            holder: record.holder, contentBudget: contentBudget, lock: lock)
        await undo.register("the build directory \(build.directory)", remedy: remedy(assetID), isKeepable: true) {
            defer { build.close() }
            try await dismantle(parts)
        }
        await undo.whenKept { try await recordKept(build) }
        await undo.whenFailed { await saveLogs(of: build) }
        return build
    }

    func remedy(_ assetID: AssetID) -> String {
        "sudo dss delete-assets --leftovers --asset-id \(shellQuoted(assetID.rawValue))"
    }
}

/// The names of all resources that a build can create; resources are found by these names, also those of a killed
/// build.
struct BuildResources: Sendable, Equatable {
    var name: String
    var directory: String
    var unfinished: String
    var workspace: String
    /// The lock in the cache.
    var sharedLock: String

    /// The resources of a build of any state folder. One that was moved is where it is now.
    init(name: String, in factory: LocalMachineFactory) {
        self.name = name
        workspace = factory.cache.workspace(name)
        sharedLock = factory.cache.lock(ofBuild: name)
        let own = "\(factory.buildsDirectory)/\(name)"
        let recorded = Self.directory(ofWorkspace: workspace, name: name)
        directory = recorded.flatMap { fileExists($0) || !fileExists(own) ? $0 : nil } ?? own
        unfinished = "\(parentDirectory(directory))/.\(name).new"
    }

    var network: MachineNetwork { MachineNetwork(name: name) }
    var directories: [String] { [directory, unfinished, workspace].filter(fileExists) }
    var mounts: [String] { [workspace, directory].flatMap(MountTable.current.below) }

    var machines: [BackgroundProcess] {
        BackgroundProcess.all { baseName($0[0]) == "systemd-nspawn" && $0.contains("--machine=\(name)") }
    }

    /// The processes inside the machine, its systemd first. They can outlive the systemd-nspawn that started them; they
    /// are then identified only by their root, an overlay with its upper directory in the workspace.
    var inhabitants: [BackgroundProcess] {
        BackgroundProcess.all { _ in true }.filter { process in
            let mounts = (try? readText("/proc/\(process.pid)/mountinfo")) ?? ""
            return mounts.split(separator: "\n").contains { line in
                line.contains(" / / ") && line.contains("upperdir=\(workspace)/")
            }
        }.sorted { $0.pid < $1.pid }
    }

    /// All processes of the machine, those inside first, so that systemd-nspawn does not end before the inner systemd.
    var machineProcesses: [BackgroundProcess] { inhabitants + machines }

    var processes: [BackgroundProcess] { machineProcesses + otherProcesses + networkProcesses }

    var networkProcesses: [BackgroundProcess] { BackgroundProcess.all(where: network.isSlirp) }

    /// mmdebstrap, shared SSH connections and their children. Their command line contains a path of the build, or their
    /// environment contains its marker.
    var otherProcesses: [BackgroundProcess] {
        let mark = Array("\(Build.marker)=\(directory)".utf8)
        let named = BackgroundProcess.all { line in
            line.contains { $0.contains("\(directory)/") || $0.contains("\(workspace)/") }
        }
        let marked = BackgroundProcess.all { _ in true }.filter { process in
            guard let data = FileManager.default.contents(atPath: "/proc/\(process.pid)/environ") else { return false }
            return data.split(separator: 0).contains { $0.elementsEqual(mark) }
        }
        return Set(marked + named).filter {
            !machineProcesses.contains($0) && !networkProcesses.contains($0) && $0.pid != getpid()
        }
        .sorted { $0.pid < $1.pid }
    }
}

extension LocalMachineFactory {
    /// The resources of a build that currently exist.
    func find(_ parts: BuildResources, assetID: String, state: Asset.LocalState) async throws -> [Asset] {
        let asset = { (kind: Asset.Kind, name: String, bytes: Int64?) in
            Asset(kind, assetID: assetID, id: name, bytes: bytes, state: state)
        }
        let machines = parts.machines.isEmpty ? Array(parts.inhabitants.prefix(1)) : parts.machines
        var assets = machines.map { asset(.machine, "\(parts.name) (process \($0.pid))", nil) }
        assets += parts.networkProcesses.map { asset(.process, "slirp4netns (process \($0.pid))", nil) }
        assets += parts.otherProcesses.map { asset(.process, "process \($0.pid)", nil) }
        if fileExists(parts.network.path) { assets.append(asset(.network, parts.network.path, nil)) }
        assets += parts.mounts.map { asset(.mount, $0, nil) }
        for directory in parts.directories {
            assets.append(asset(.buildDirectory, directory, try await size(of: directory, mounts: parts.mounts)))
        }
        return assets
    }

    private func size(of directory: String, mounts: [String]) async throws -> Int64 {
        let output = try await runner.execute(Command("du", ["-skx", directory])).standardOutput
        return (output.split(separator: "\t").first.flatMap { Int64($0) } ?? 0) * 1024
    }

    /// Removes all resources of a build, whatever its state; the caller must hold its lock.
    /// - Throws: `Failure` that names the resources that could not be removed.
    func dismantle(_ parts: BuildResources) async throws {
        var left: [String] = []
        left += await stopAll { parts.processes }.map { "process \($0.pid)" }
        left += try await unmount(parts.mounts)
        if fileExists(parts.network.path), try await !runner.execute(parts.network.delete).status.isSuccess {
            left.append("the network namespace \(parts.network.path)")
        }
        // A tree with a mount inside is kept: removing it would delete through the mount.
        if parts.mounts.isEmpty {
            // The first one contains the record: if this process is killed meanwhile, the rest keeps its asset id.
            for directory in parts.directories.reversed() {
                let output = try await runner.execute(.removeTree(directory))
                if !output.status.isSuccess { left.append("\(directory): \(output.standardError.trimmedLine)") }
            }
        }
        guard left.isEmpty else { throw Failure(.failed, "some resources could not be removed", details: left) }
    }

    /// Ends processes until no new ones appear, because a process may start another before it ends.
    /// - Returns: the processes that are still running.
    func stopAll(_ find: () -> [BackgroundProcess]) async -> [BackgroundProcess] {
        for _ in 0..<50 {
            let processes = find()
            if processes.isEmpty { return [] }
            await stop(processes)
        }
        return find()
    }

    /// Kills processes with SIGKILL, because their results are discarded.
    func stop(_ processes: [BackgroundProcess]) async {
        for process in processes { process.signal(9) }
        for process in processes { _ = await process.ended(within: .seconds(10)) }
    }

    /// - Returns: the remaining mounts with the reasons.
    func unmount(_ targets: [String]) async throws -> [String] {
        var left: [String] = []
        for target in targets {
            let output = try await runner.execute(Command("umount", [target]))
            guard !output.status.isSuccess else { continue }
            // Another process may still use it. A lazy unmount detaches it now and completes when that process ends.
            let lazy = try await runner.execute(Command("umount", ["--lazy", target]))
            if !lazy.status.isSuccess { left.append("the mount \(target): \(lazy.standardError.trimmedLine)") }
        }
        return left
    }
}
