import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The names of all that one build can have made; everything is found by them, whoever made it.
struct BuildParts: Sendable, Equatable {
    var name: String
    var directory: String
    var unfinished: String
    var workspace: String

    init(name: String, in factory: LocalMachineFactory) {
        self.name = name
        directory = "\(factory.buildsDirectory)/\(name)"
        unfinished = "\(factory.buildsDirectory)/.\(name).new"
        workspace = factory.cache.workspace(name)
    }

    var network: MachineNetwork { MachineNetwork(name: name) }
    var directories: [String] { [directory, unfinished, workspace].filter(fileExists) }
    var mounts: [String] { [workspace, directory].flatMap(MountTable.current.below) }

    var machines: [BackgroundProcess] {
        BackgroundProcess.all { baseName($0[0]) == "systemd-nspawn" && $0.contains("--machine=\(name)") }
    }

    /// What lives inside the machine, its systemd first; it can outlive the nspawn that started it, and is then known
    /// by nothing but its root, which is stacked in the workspace.
    var inhabitants: [BackgroundProcess] {
        BackgroundProcess.all { _ in true }.filter { process in
            let mounts = (try? readText("/proc/\(process.pid)/mountinfo")) ?? ""
            return mounts.split(separator: "\n").contains { line in
                line.contains(" / / ") && line.contains("upperdir=\(workspace)/")
            }
        }.sorted { $0.pid < $1.pid }
    }

    /// All that runs as the machine: first what is in it, so that no nspawn dies before its systemd.
    var machineProcesses: [BackgroundProcess] { inhabitants + machines }

    var processes: [BackgroundProcess] { machineProcesses + otherProcesses + networkProcesses }

    var networkProcesses: [BackgroundProcess] { BackgroundProcess.all(where: network.isSlirp) }

    /// mmdebstrap, shared SSH connections and their children: they name a path of the build, or carry its mark in
    /// their environment.
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
    /// What of a build is there now.
    func find(_ parts: BuildParts, assetID: String, state: Asset.State) async throws -> [Asset] {
        let asset = { (kind: Asset.Kind, name: String, bytes: Int64?) in
            Asset(assetID: assetID, kind: kind, name: name, bytes: bytes, state: state)
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

    /// Removes all of a build, whatever state it is in; the caller holds its lock.
    /// - Throws: `Failure` that names what could not be removed.
    func dismantle(_ parts: BuildParts) async throws {
        var left: [String] = []
        left += await stopAll { parts.processes }.map { "process \($0.pid)" }
        left += try await unmount(parts.mounts)
        if fileExists(parts.network.path), try await !runner.execute(parts.network.delete).status.isSuccess {
            left.append("the network namespace \(parts.network.path)")
        }
        // A tree with something mounted in it stays: deleting would go through the mount.
        if parts.mounts.isEmpty {
            for directory in parts.directories {
                let output = try await runner.execute(.removeTree(directory))
                if !output.status.isSuccess { left.append("\(directory): \(output.standardError.trimmedLine)") }
            }
        }
        guard left.isEmpty else { throw Failure(.failed, "not everything could be removed", details: left) }
    }

    /// Ends processes until no new ones appear: one that lives a moment longer may have started another.
    /// - Returns: what would not end.
    func stopAll(_ find: () -> [BackgroundProcess]) async -> [BackgroundProcess] {
        for _ in 0..<50 {
            let processes = find()
            if processes.isEmpty { return [] }
            await stop(processes)
        }
        return find()
    }

    /// Ends processes at once: what they were making is thrown away.
    func stop(_ processes: [BackgroundProcess]) async {
        for process in processes { process.signal(9) }
        for process in processes { _ = await process.ended(within: .seconds(10)) }
    }

    /// - Returns: what is still mounted, with the reason.
    func unmount(_ targets: [String]) async throws -> [String] {
        var left: [String] = []
        for target in targets {
            let output = try await runner.execute(Command("umount", [target]))
            guard !output.status.isSuccess else { continue }
            // A process of somebody's may still look into it: gone from the tree now, for good when that ends.
            let lazy = try await runner.execute(Command("umount", ["--lazy", target]))
            if !lazy.status.isSuccess { left.append("the mount \(target): \(lazy.standardError.trimmedLine)") }
        }
        return left
    }
}
