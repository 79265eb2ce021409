import Sandbox
import Workbench

/// A running machine on this host. A value: `keep` returns the restarted machine as a new one.
package struct LocalMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let buildEnvironment: [String: String]
    package let plan: MachinePlan
    package let build: Build
    /// The read-only trees below the machine's own changes, the base first.
    package let trees: [CachedTree]
    /// The process of the container.
    let process: BackgroundProcess

    package var stepsDone: Int { trees.count - 1 }
    package var missing: [MissingComponent] { trees.last?.missing ?? [] }
    /// Deterministic from the asset id and the state directory: names the machine and its network namespace.
    package var name: String { build.name }
    /// What the machine's console said.
    package var consoleLog: String { build.path("console.log") }
}

extension Build {
    /// The tree that a machine changes after so many steps.
    func changes(_ step: Int) -> String { "\(workspace)/changes-\(step)" }
    var root: String { "\(workspace)/root" }
    var sealedRoot: String { "\(workspace)/sealed-root" }
}

/// The key of a layer: it is the same only where all below it and all that went into it is the same.
func layerKey(below parent: String, step: String) -> String {
    var hash = ContentHash()
    hash.add("format", "1")
    hash.add("below", parent)
    hash.add("step", step)
    return String(hash.hexDigest.prefix(32))
}

/// Builds machines on this host: base system → cached layers → running machine → kept layers → stopped root.
///
///     let machine = try await factory.start(plan, undo: undo, events: events)
///     …install a step on machine.endpoint…
///     let next = try await factory.keep(machine, missing: missing, events: events)
///     …seal…
///     let root = try await factory.halt(next)   // read-only, until the undo runs
package struct LocalMachineFactory: Sendable {
    package var runner: any CommandRunner
    /// Finished base systems and installed layers, and the working copies that may become some.
    package var cache: ContentCache
    /// Small things of running builds: who builds, keys, logs, configuration.
    package var stateDirectory: String
    package var host: HostSettings

    package init(runner: any CommandRunner, cacheDirectory: String, stateDirectory: String, host: HostSettings) {
        self.runner = runner
        cache = ContentCache(directory: cacheDirectory)
        self.stateDirectory = stateDirectory
        self.host = host
    }
}

/// The name of a machine, its network namespace and its build directory, always the same for one asset id
/// and state directory, so that what a killed build left is found again by name.
///
/// Host names have at most 63 characters; the hash keeps `6.1` and `6-1`, and two state directories, apart.
func machineName(_ assetID: String, stateDirectory: String) -> String {
    var hash = ContentHash()
    hash.add("asset id", assetID)
    hash.add("state directory", stateDirectory)
    return "dss-\(AssetID.dashed(assetID).prefix(40))-\(hash.hexDigest.prefix(8))"
}

/// What a machine is to be: its name, the system below it and the steps that will be installed on it.
package struct MachinePlan: Sendable, Equatable {
    package var assetID: AssetID
    package var base: SandboxDefinition.BaseSystem
    package var profile: BaseProfile
    /// For each step the hash of all that goes into it (playbook part, variables, pins);
    /// the layer of a step is found again only when its own hash and all before it are the same.
    package var steps: [String]
    /// False: nothing is taken from the cache; what is built still goes there.
    package var usesCache: Bool
    /// The machine may reach servers on this host's loopback, at 10.0.2.2: a mirror on the same laptop.
    package var reachesHost: Bool
    /// Sends every line of mmdebstrap as an event.
    package var isVerbose: Bool

    package init(
        assetID: AssetID, base: SandboxDefinition.BaseSystem, profile: BaseProfile = .vm, steps: [String] = [],
        usesCache: Bool = true, reachesHost: Bool = false, isVerbose: Bool = false
    ) {
        self.assetID = assetID
        self.base = base
        self.profile = profile
        self.steps = steps
        self.usesCache = usesCache
        self.reachesHost = reachesHost
        self.isVerbose = isVerbose
    }
}

/// How much of a system a base has.
package enum BaseProfile: String, Sendable, Codable, CaseIterable {
    /// Everything that a disk needs to boot: kernel, initial RAM disk, boot loader, cloud-init.
    case vm
    /// No kernel and no boot loader; Ansible can install on it.
    case container
    /// Just systemd and sshd, for quick tests.
    case tiny
}
