import Glibc
import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Locks the asset id, gets the base system and the deepest cached layer, and boots a machine that answers on SSH.
    ///
    /// Each created resource is registered in `scope`; the last undo releases the asset id.
    package func start(_ plan: MachinePlan, in scope: Scope) async throws -> LocalMachine {
        try requireRoot()
        return try await explaining("cannot start the machine") {
            let build = try await open(plan.assetID, in: scope)
            let base = try await base(plan, for: build, events: scope.events)
            let trees = try await [base] + layers(plan, on: base, for: build, events: scope.events)
            return try await start(plan, build, on: trees, in: scope)
        }
    }

    /// Boots a machine on cached trees, in a build that is already open.
    package func start(
        _ plan: MachinePlan, _ build: Build, on trees: [CachedTree], in scope: Scope
    ) async throws -> LocalMachine {
        let sources = PackageSources(plan.base, host: host.aptSources)
        let reachesHost = plan.reachesHost || sources.needHostLoopback
        try await addNetwork(build, reachesHost: reachesHost, scope.undo)
        try await prepareFiles(build, sources)
        await register(build, scope.undo)
        return try await boot(plan, build, on: trees, scope.events)
    }

    /// The cached layers of the plan's steps, from the first step up to the first one that is not cached.
    package func layers(
        _ plan: MachinePlan, on base: CachedTree, for build: Build, events: @escaping EventSink
    ) async throws -> [CachedTree] {
        guard plan.usesCache else { return [] }
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        var layers: [CachedTree] = []
        for key in plan.layerKeys(above: base.key) {
            guard let layer = try await access.find(.layers, key, where: { plan.isCurrent($0.reads) }) else { break }
            layers.append(layer)
        }
        return layers
    }

    func requireRoot() throws {
        guard geteuid() == 0 else {
            throw Failure(
                .noPermission, "building on this host requires root: it mounts file systems and starts a container",
                advice: "run the same command with sudo")
        }
    }

    private func addNetwork(_ build: Build, reachesHost: Bool, _ undo: Undo) async throws {
        let network = MachineNetwork(name: build.name)
        await undo.register(
            "the network namespace \(network.path)", remedy: remedy(build.assetID), isKeepable: true
        ) {
            let parts = BuildResources(name: build.name, in: self)
            await stop(parts.networkProcesses)
            if fileExists(network.path) { try await runner.run(network.delete) }
        }
        try await runner.run(network.add)
        try await runner.run(network.loopbackUp)
        try await runner.run(network.linkLocalBlocked)
        var slirp = network.slirp(hostLoopback: reachesHost || host.needsHostLoopback)
        slirp.environment = build.environment
        _ = try await runner.start(slirp, log: build.path("network.log"))
    }

    /// Creates keys and configuration, which are new for each build.
    private func prepareFiles(_ build: Build, _ sources: PackageSources) async throws {
        let files = build.path("machine")
        try makeDirectory("\(files)/system/multi-user.target.wants")
        let contents = MachineFiles(host: host, sources: sources)
        for (name, text) in contents.contents {
            try makeDirectory(parentDirectory("\(files)/\(name)"))
            try writeAtomically(text, to: "\(files)/\(name)", mode: contents.isPrivate(name) ? 0o600 : 0o644)
        }
        for number in sources.directoriesOfHost.indices {
            let path = PackageSources.pathInMachine(directory: number)
            try makeDirectory(files + path.dropFirst(MachineFiles.directory.count))
        }
        guard symlink("../dss-sshd.service", "\(files)/system/multi-user.target.wants/dss-sshd.service") == 0 else {
            throw FileError("create a link in", files)
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

    /// The socket of the shared connection, which saves half a second per call; `nil` if the path is too long. A socket
    /// path is limited to 107 bytes, and ssh needs some of them for a temporary name.
    private static func controlPath(_ path: String) -> String? {
        path.utf8.count <= 85 ? path : nil
    }

    private func generateKey(_ path: String, comment: String) async throws {
        try await runner.run(.sshKeygen(path: path, comment: comment))
    }

    /// Registers the removal of the machine, which also holds after restarts.
    private func register(_ build: Build, _ undo: Undo) async {
        await undo.register("the mount \(build.root)", remedy: remedy(build.assetID), isKeepable: true) {
            let left = try await unmount(MountTable.current.below(build.workspace))
            guard left.isEmpty else { throw Failure(.failed, left.joined(separator: ", ")) }
        }
        await undo.register("the machine \(build.name)", remedy: remedy(build.assetID), isKeepable: true) {
            _ = await stopAll { BuildResources(name: build.name, in: self).machineProcesses }
        }
    }

    /// Mounts the trees below a new directory for changes, boots the result and waits until it answers.
    func boot(
        _ plan: MachinePlan, _ build: Build, on trees: [CachedTree], _ events: EventSink
    ) async throws -> LocalMachine {
        events(.progress(.setup, Progress("booting the machine")))
        let changes = build.changes(above: trees)
        for directory in [build.root, changes, "\(changes).work"] { try makeDirectory(directory) }
        try makeDirectory("\(build.workspace)/tmp", mode: 0o1777)
        // Before the machine can fail, so that it can be booted again if it is kept.
        let record = BuildRecord.Machine(
            trees: trees, profile: plan.profile, reachesHost: plan.reachesHost, sandbox: plan.sandbox,
            base: plan.base.withoutCredentials)
        try note(record, of: build)
        let overlay = Overlay(
            lower: trees.map(\.path), upper: (changes: changes, work: "\(changes).work"), target: build.root)
        try await runner.run(overlay.mount)
        let sources = PackageSources(plan.base, host: host.aptSources)
        let nspawn = Nspawn(
            name: build.name, root: build.root, files: build.path("machine"), temporary: "\(build.workspace)/tmp",
            mirrors: sources.directoriesOfHost, networkPath: MachineNetwork(name: build.name).path,
            hasSystemd: fileExists("/run/systemd/system"))
        let process = try await runner.start(
            nspawn.command(environment: build.environment), log: build.path("console.log"))
        let files = MachineFiles(host: self.host, sources: sources)
        let machine = LocalMachine(
            endpoint: SSHEndpoint(configFile: build.path("ssh_config"), alias: build.name),
            buildEnvironment: files.environment, privateVariables: files.privateEnvironment.keys.sorted(), plan: plan,
            build: build, trees: trees,
            process: process, started: .now)
        try await waitUntilReady(machine)
        return machine
    }

    /// Retries until the machine answers and its network has a route.
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
                reason = "it exited during boot"
            } else if BuildResources(name: machine.name, in: self).networkProcesses.isEmpty {
                reason = "its network process exited: \(tail(of: machine.build.path("network.log"), lines: 3))"
            } else if ContinuousClock.now > deadline {
                reason = "it did not answer within \(limit.components.seconds) s: \(output.standardError.trimmedLine)"
            } else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            throw Failure(
                .failed, "the machine \(machine.name) failed to start: \(reason)",
                details: tail(of: machine.consoleLog).split(separator: "\n").map(String.init))
        }
    }

    /// Runs `body` and converts errors of system calls and tools to failures with a reason.
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

/// The machine's network namespace with a user-mode network, which needs no changes to the host's firewall or routes.
package struct MachineNetwork: Sendable, Equatable {
    var name: String

    /// Fixed addresses of slirp4netns (slirp4netns(1), "CONFIGURE"): the host, and a DNS server that forwards to the
    /// host's resolver.
    package static let hostAddress = "10.0.2.2"
    static let nameServer = "10.0.2.3"
    static let device = "tap0"
    /// Port of the machine's sshd on the namespace's loopback.
    static let sshPort = 2222

    var path: String { "/run/netns/\(name)" }

    var add: Command { Command("ip", ["netns", "add", name]) }
    var loopbackUp: Command { Command("ip", ["-n", name, "link", "set", "lo", "up"]) }
    var delete: Command { Command("ip", ["netns", "delete", name]) }

    /// Rejects link-local addresses, where clouds give credentials to whoever asks from the host.
    var linkLocalBlocked: Command {
        Command("ip", ["-n", name, "route", "add", "unreachable", "169.254.0.0/16"])
    }

    /// The user-mode network process; without `hostLoopback`, servers on the host's loopback are unreachable.
    ///
    /// Its sandbox unmounts the host's directories. In a mount namespace of its own, it cannot unmount the network
    /// namespace on a host with shared mounts.
    func slirp(hostLoopback: Bool) -> Command {
        Command(
            "unshare",
            [
                "--mount", "--propagation", "private", "slirp4netns", "--configure", "--mtu=65520", "--enable-sandbox",
                "--enable-seccomp",
            ] + (hostLoopback ? [] : ["--disable-host-loopback"])
                + ["--netns-type=path", path, Self.device])
    }

    /// The `ProxyCommand` that connects ssh to the namespace's loopback.
    var proxyCommand: String { "nsenter --net=\(path) nc 127.0.0.1 \(Self.sshPort)" }

    func isSlirp(_ commandLine: [String]) -> Bool {
        commandLine.first.map(baseName) == "slirp4netns" && commandLine.contains(path)
    }
}

/// A root directory booted as a container: a real systemd with its own PID, mount and UTS namespaces.
struct Nspawn: Sendable, Equatable {
    var name: String
    var root: String
    /// Directory of the `MachineFiles` contents.
    var files: String
    /// Directory mounted at /tmp. It is on disk, because package builds may need more space than there is memory.
    var temporary: String
    /// Directories with packages.
    var mirrors: [String] = []
    var networkPath: String
    /// Whether systemd runs on the host. If so, the container gets its own scope; otherwise it stays in the current
    /// cgroup.
    var hasSystemd: Bool

    /// systemd's `SIGRTMIN+14`: power off immediately, without stopping services.
    static let powerOff = "SIGRTMIN+14"

    /// A path in an argument of `--bind`, where a colon separates: systemd-nspawn(1), "--bind=".
    private static func escaped(_ path: String) -> String {
        path.map { "\\:".contains($0) ? "\\\($0)" : String($0) }.joined()
    }

    func command(environment: [String: String?]) -> Command {
        var arguments = [
            "--quiet", "--directory=\(root)", "--boot", "--register=no", "--machine=\(name)", "--hostname=sandbox",
            "--network-namespace-path=\(networkPath)", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            "--settings=no", "--console=pipe", "--kill-signal=\(Self.powerOff)",
            "--bind=\(Self.escaped(temporary)):/tmp", "--bind-ro=\(Self.escaped(files)):\(MachineFiles.directory)",
            "--bind=\(Self.escaped(files))/apt:\(MachineFiles.packages)",
            "--bind-ro=\(Self.escaped(files))/system:/run/systemd/system",
            "--bind-ro=\(Self.escaped(files))/resolv.conf:/etc/resolv.conf",
        ]
        arguments += mirrors.enumerated().filter { fileExists($1) }.map { number, directory in
            "--bind-ro=\(Self.escaped(directory)):\(PackageSources.pathInMachine(directory: number))"
        }
        if !hasSystemd { arguments.append("--keep-unit") }
        let own: [String: String?] = ["SYSTEMD_NSPAWN_LOCK": "0", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"]
        return Command("systemd-nspawn", arguments, environment: environment.merging(own) { $1 })
    }
}
