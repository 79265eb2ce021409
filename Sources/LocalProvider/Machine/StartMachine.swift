import Glibc
import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Claims the asset id, then base → deepest cached layer → running machine that answers on SSH.
    ///
    /// What it makes is registered in `undo` step by step; the last undo gives the asset id back.
    package func start(
        _ plan: MachinePlan, undo: Undo, events: @escaping EventSink
    ) async throws -> LocalMachine {
        try requireRoot()
        return try await explaining("the machine could not be started") {
            let build = try await open(plan.assetID, undo: undo, events: events)
            let base = try await base(plan, for: build, events: events)
            let trees = try await [base] + layers(plan, on: base, for: build, events: events)
            return try await start(plan, in: build, on: trees, undo: undo, events: events)
        }
    }

    /// Boots a machine in a build that is open already, on trees of the cache.
    package func start(
        _ plan: MachinePlan, in build: Build, on trees: [CachedTree], undo: Undo, events: @escaping EventSink
    ) async throws -> LocalMachine {
        try await addNetwork(build, reachesHost: plan.reachesHost, undo: undo)
        try await prepareFiles(build)
        return try await boot(plan, build, on: trees, undo: undo, events: events)
    }

    /// The layers of the plan's steps that the cache has, from the first on without a gap.
    package func layers(
        _ plan: MachinePlan, on base: CachedTree, for build: Build, events: @escaping EventSink
    ) async throws -> [CachedTree] {
        guard plan.usesCache else { return [] }
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        var layers: [CachedTree] = []
        for step in plan.steps {
            let key = layerKey(below: (layers.last ?? base).key, step: step)
            guard let layer = try await access.find(.layers, key) else { break }
            layers.append(layer)
        }
        return layers
    }

    private func requireRoot() throws {
        guard geteuid() == 0 else {
            throw Failure(
                .noPermission, "building a machine here needs root: it mounts file systems and starts a container",
                advice: "run the same command with sudo")
        }
    }

    private func addNetwork(_ build: Build, reachesHost: Bool, undo: Undo) async throws {
        let network = MachineNetwork(name: build.name)
        await undo.register(
            "the network namespace \(network.path)", remedy: remedy(build.assetID), isKeepable: true
        ) {
            let parts = BuildParts(name: build.name, in: self)
            await stop(parts.networkProcesses)
            if fileExists(network.path) { try await runner.run(network.delete) }
        }
        try await runner.run(network.add)
        try await runner.run(network.loopbackUp)
        var slirp = network.slirp(hostLoopback: reachesHost || host.needsHostLoopback)
        slirp.environment = build.environment
        _ = try await runner.start(slirp, log: build.path("network.log"))
    }

    /// Keys and configuration, made anew for each build.
    private func prepareFiles(_ build: Build) async throws {
        let files = build.path("machine")
        try makeDirectory("\(files)/system/multi-user.target.wants")
        for (name, text) in MachineFiles(host: host).contents {
            try makeDirectory(parentDirectory("\(files)/\(name)"))
            try writeAtomically(text, to: "\(files)/\(name)")
        }
        guard symlink("../dss-sshd.service", "\(files)/system/multi-user.target.wants/dss-sshd.service") == 0 else {
            throw FileError("make a link in", files)
        }
        async let user: Void = generateKey(build.path("key"), comment: build.name)
        async let host: Void = generateKey("\(files)/host_key", comment: build.name)
        _ = try await (user, host)
        try writeAtomically(try readText(build.path("key.pub")), to: "\(files)/authorized_keys", mode: 0o600)
        let hostKey = try readText("\(files)/host_key.pub").split(separator: " ").prefix(2).joined(separator: " ")
        try writeAtomically("\(build.name) \(hostKey)\n", to: build.path("known_hosts"))
        let config = SSHConfig(
            alias: build.name, host: build.name, port: MachineNetwork.sshPort, user: "root",
            identityFile: build.path("key"), knownHostsFile: build.path("known_hosts"),
            proxyCommand: MachineNetwork(name: build.name).proxyCommand,
            controlPath: Self.controlPath(build.path("mux")))
        try writeAtomically(config.text, to: build.path("ssh_config"))
    }

    /// One connection for all calls saves half a second each; a socket's path may have 107 bytes, of which ssh
    /// itself takes some for a temporary name.
    private static func controlPath(_ path: String) -> String? {
        path.utf8.count <= 85 ? path : nil
    }

    private func generateKey(_ path: String, comment: String) async throws {
        try await runner.run(.sshKeygen(path: path, comment: comment))
    }

    /// Stacks the trees below a new directory of changes, boots that and waits until it answers.
    func boot(
        _ plan: MachinePlan, _ build: Build, on trees: [CachedTree], undo: Undo?, events: @escaping EventSink
    ) async throws -> LocalMachine {
        events(.progress(.setup, Progress("booting the machine")))
        let changes = build.changes(trees.count - 1)
        for directory in [build.root, changes, "\(changes).work"] { try makeDirectory(directory) }
        try makeDirectory("\(build.workspace)/tmp", mode: 0o1777)
        let parts = BuildParts(name: build.name, in: self)
        if let undo {
            await undo.register("the mount \(build.root)", remedy: remedy(build.assetID), isKeepable: true) {
                let left = try await unmount(MountTable.current.below(build.workspace))
                guard left.isEmpty else { throw Failure(.failed, left.joined(separator: ", ")) }
            }
            await undo.register("the machine \(build.name)", remedy: remedy(build.assetID), isKeepable: true) {
                _ = await stopAll { parts.machineProcesses }
            }
        }
        let overlay = Overlay(
            lower: trees.map(\.path), upper: (changes: changes, work: "\(changes).work"), target: build.root)
        try await runner.run(overlay.mount)
        let nspawn = Nspawn(
            name: build.name, root: build.root, files: build.path("machine"), temporary: "\(build.workspace)/tmp",
            networkPath: MachineNetwork(name: build.name).path, hasSystemd: fileExists("/run/systemd/system"))
        let process = try await runner.start(
            nspawn.command(environment: build.environment), log: build.path("console.log"))
        let machine = LocalMachine(
            endpoint: SSHEndpoint(configFile: build.path("ssh_config"), alias: build.name),
            buildEnvironment: MachineFiles(host: host).environment, plan: plan, build: build, trees: trees,
            process: process)
        try await waitUntilReady(machine)
        return machine
    }

    /// Tries until the machine answers and its network has a route.
    private func waitUntilReady(_ machine: LocalMachine, limit: Duration = .seconds(120)) async throws {
        let deadline = ContinuousClock.now + limit
        let ready = Command.ssh(
            config: machine.endpoint.configFile, alias: machine.endpoint.alias,
            script: "until ip -4 route show default | grep -q .; do sleep 0.05; done")
        while true {
            let output = try await runner.execute(ready)
            try Task.checkCancellation()
            if output.status.isSuccess { return }
            let reason: String
            if !machine.process.isAlive {
                reason = "it ended while it booted"
            } else if BuildParts(name: machine.name, in: self).networkProcesses.isEmpty {
                reason = "its network ended: \(tail(of: machine.build.path("network.log"), lines: 3))"
            } else if ContinuousClock.now > deadline {
                reason = "it did not answer within \(limit.components.seconds) s: \(output.standardError.trimmedLine)"
            } else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            throw Failure(
                .failed, "the machine \(machine.name) cannot be used: \(reason)",
                details: tail(of: machine.consoleLog).split(separator: "\n").map(String.init))
        }
    }

    /// Runs `body` and turns what system calls and tools say into a failure with a reason.
    func explaining<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as FileError where error.isDiskFull {
            throw diskFull(what)
        } catch let error as CommandFailure {
            if isFull(cache.directory) { throw diskFull(what) }
            throw Failure(
                .failed, "\(what): \(error.command.executable) failed with \(error.status)", details: error.lastLines,
                advice: "to run it again: \(error.command.shellLine)")
        } catch let error as FileError {
            throw Failure(.failed, "\(what): \(error)")
        } catch let error as ToolMissing {
            throw Failure(.unavailable, "\(what): \(error)", advice: "see: dss doctor")
        }
    }
}

/// A network namespace of the machine's own with a user-mode network: nothing on the host's firewall or routes changes.
package struct MachineNetwork: Sendable, Equatable {
    var name: String

    /// slirp4netns' fixed addresses (its manual page, "CONFIGURE"): the host, and a server that asks the host's resolver.
    package static let hostAddress = "10.0.2.2"
    static let nameServer = "10.0.2.3"
    static let device = "tap0"
    /// Where the machine's sshd listens, on the namespace's loopback.
    static let sshPort = 2222

    var path: String { "/run/netns/\(name)" }

    var add: Command { Command("ip", ["netns", "add", name]) }
    var loopbackUp: Command { Command("ip", ["-n", name, "link", "set", "lo", "up"]) }
    var delete: Command { Command("ip", ["netns", "delete", name]) }
    var defaultRoute: Command { Command("ip", ["-n", name, "-4", "route", "show", "default"]) }

    /// The process that carries the packets; without `hostLoopback` no server on the host's loopback is reached.
    func slirp(hostLoopback: Bool) -> Command {
        Command(
            "slirp4netns",
            ["--configure", "--mtu=65520"] + (hostLoopback ? [] : ["--disable-host-loopback"])
                + ["--netns-type=path", path, Self.device])
    }

    /// How ssh gets at the namespace's loopback.
    var proxyCommand: String { "nsenter --net=\(path) nc 127.0.0.1 \(Self.sshPort)" }

    func isSlirp(_ commandLine: [String]) -> Bool {
        commandLine.first.map(baseName) == "slirp4netns" && commandLine.contains(path)
    }
}

/// A root directory booted as a container: real systemd with process, mount and host names of its own.
struct Nspawn: Sendable, Equatable {
    var name: String
    var root: String
    /// Directory with the files of `MachineFiles`.
    var files: String
    /// Becomes /tmp: on disk, because package builds may need more room there than memory has.
    var temporary: String
    var networkPath: String
    /// Where systemd runs the host, the container gets a scope of its own from it; elsewhere it stays where it is.
    var hasSystemd: Bool

    /// systemd's `SIGRTMIN+14`: power off at once, without stopping one service after the other.
    static let powerOff = "SIGRTMIN+14"

    func command(environment: [String: String?]) -> Command {
        var arguments = [
            "--quiet", "--directory=\(root)", "--boot", "--register=no", "--machine=\(name)", "--hostname=sandbox",
            "--network-namespace-path=\(networkPath)", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            "--settings=no", "--console=pipe", "--kill-signal=\(Self.powerOff)",
            "--bind=\(temporary):/tmp", "--bind-ro=\(files):\(MachineFiles.directory)",
            "--bind-ro=\(files)/system:/run/systemd/system", "--bind-ro=\(files)/resolv.conf:/etc/resolv.conf",
        ]
        if !hasSystemd { arguments.append("--keep-unit") }
        let own: [String: String?] = ["SYSTEMD_NSPAWN_LOCK": "0", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"]
        return Command("systemd-nspawn", arguments, environment: environment.merging(own) { $1 })
    }
}
