import Provisioning
import Sandbox
import Workbench

/// A running build machine on this host. It is a value: `keep` returns the restarted machine as a new one.
package struct LocalMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let buildEnvironment: [String: String]
    package let privateVariables: [String]
    package let plan: MachinePlan
    package let build: Build
    /// The read-only trees below the machine's own changes, the base system first.
    package let trees: [CachedTree]
    /// The systemd-nspawn process of the container.
    let process: BackgroundProcess
    /// When it was started for the next step.
    let started: ContinuousClock.Instant
    /// Number of steps that a machine contains which was kept after a failure; `nil` for any other machine. Someone may
    /// have changed it by hand, so nothing of it is cached.
    var resumedAfter: Int?

    package var stepsDone: Int { resumedAfter ?? trees.count - 1 }
    package var missing: [MissingComponent] { trees.last?.missing ?? [] }
    /// What Ansible read outside of the playbook's folder, see `OutsideFiles`.
    var reads: [String: String] { trees.last?.reads ?? [:] }
    /// Name of the machine and its network namespace, derived from the asset id and the state directory.
    package var name: String { build.name }
    /// Log of the machine's console.
    package var consoleLog: String { build.path("console.log") }
    /// The tree with the machine's own changes.
    var changes: String { build.changes(above: trees) }
}

extension Build {
    /// The tree with the changes of a machine above read-only trees.
    func changes(above trees: [CachedTree]) -> String { "\(workspace)/changes-\(trees.count - 1)" }
    var root: String { "\(workspace)/root" }
    var sealedRoot: String { "\(workspace)/sealed-root" }
}

/// The key of a layer; equal only if the tree below and the inputs of the step are equal.
func layerKey(below parent: String, step: String) -> String {
    var hash = ContentHash()
    hash.add("format", "2")
    hash.add("below", parent)
    hash.add("step", step)
    return String(hash.hexDigest.prefix(32))
}

/// Builds machines on this host: base system → cached layers → running machine → new layers → root of the stopped
/// machine.
///
///     let machine = try await factory.start(plan, in: scope)
///     …install a step on machine.endpoint…
///     let next = try await factory.keep(machine, installed, events: events)
///     …seal…
///     let root = try await factory.halt(next)   // read-only, until the undo runs
package struct LocalMachineFactory: Sendable {
    package var runner: any CommandRunner
    /// Base systems and layers, and the workspaces of running builds.
    package var cache: ContentCache
    /// Directory for the small files of running builds: records, locks, keys, logs, configuration.
    package var stateDirectory: String
    package var host: HostSettings
    /// Called before anything is made, with the number of steps that the cache has: a check of what the other steps need
    /// costs seconds here, and minutes when they run.
    package var beforeBuilding: @Sendable (_ stepsDone: Int) async throws -> Void = { _ in }
    /// How long a build reads the contents of cache entries to compare them.
    package var contentBudget = Duration.seconds(1)
    /// The words after `dss` with which the user started this program, to repeat a build with what changes.
    package var typed: [String]

    package init(
        runner: any CommandRunner, cacheDirectory: String, stateDirectory: String, host: HostSettings,
        typed: [String] = []
    ) {
        self.runner = runner
        cache = ContentCache(directory: cacheDirectory)
        self.stateDirectory = stateDirectory
        self.host = host
        self.typed = typed
    }
}

/// The name of a machine, its network namespace and its build directory. It is always the same for an asset id and a
/// state directory, so that the leftovers of a killed build are found by name.
///
/// Host names have at most 63 characters. The hash distinguishes `6.1` from `6-1`, and two state directories.
func machineName(_ assetID: String, stateDirectory: String) -> String {
    var hash = ContentHash()
    hash.add("asset id", assetID)
    hash.add("state directory", stateDirectory)
    return "dss-\(AssetID.dashed(assetID).prefix(40))-\(hash.hexDigest.prefix(8))"
}

/// The plan for a machine: its asset id, its base system and the steps to install.
package struct MachinePlan: Sendable, Equatable {
    package var assetID: AssetID
    /// Name of the sandbox; `nil` if the machine becomes none.
    package var sandbox: String?
    package var base: SandboxDefinition.BaseSystem
    package var profile: BaseProfile
    /// For each step the hash of its inputs (playbook part, variables, pins). A cached layer is reused only if its hash
    /// and all hashes before it match.
    package var steps: [String]
    /// For each step its roles, by which a person recognizes its layer in the cache.
    package var roles: [[String]]
    /// What each of these hashes is made of, by name. It is kept with the layer, to tell later what has changed.
    package var parts: [[String: String]]
    /// The folder of the playbook.
    package var playbookFolder: String
    /// Whether to read from the cache; results are written to the cache in any case.
    package var usesCache: Bool
    /// Whether the machine may reach servers on the host's loopback at 10.0.2.2, such as a mirror on the same laptop.
    package var reachesHost: Bool
    /// Whether to send every line of mmdebstrap output as an event.
    package var isVerbose: Bool

    package init(
        assetID: AssetID, sandbox: String? = nil, base: SandboxDefinition.BaseSystem, profile: BaseProfile = .vm,
        steps: [String] = [], roles: [[String]] = [], parts: [[String: String]] = [], playbookFolder: String = "",
        usesCache: Bool = true, reachesHost: Bool = false, isVerbose: Bool = false
    ) {
        self.assetID = assetID
        self.sandbox = sandbox
        self.base = base
        self.profile = profile
        self.steps = steps
        self.roles = roles
        self.parts = parts
        self.playbookFolder = playbookFolder
        self.usesCache = usesCache
        self.reachesHost = reachesHost
        self.isVerbose = isVerbose
    }
}

extension MachinePlan {
    /// The keys of the layers of all steps on a base.
    func layerKeys(above base: String) -> [String] {
        var below = base
        return steps.map { step in
            below = layerKey(below: below, step: step)
            return below
        }
    }

    /// The machine that installs an order.
    package init(_ order: BuildOrder, _ inputs: BuildInputs) {
        self.init(
            assetID: order.assetID, sandbox: order.definition.name, base: order.definition.base,
            profile: order.edition == .container ? .container : .vm,
            steps: inputs.stepKeys,
            roles: order.definition.playbook.steps.map(\.roles), parts: inputs.stepParts,
            playbookFolder: parentDirectory(order.definition.playbook.file), usesCache: order.usesCache,
            reachesHost: order.definition.namesHost, isVerbose: order.isVerbose)
    }
}

/// The extent of a base system.
package enum BaseProfile: String, Sendable, Codable, CaseIterable {
    /// A bootable system with kernel, initramfs, boot loader and cloud-init.
    case vm
    /// A system without kernel and boot loader, on which Ansible can install.
    case container
    /// Only systemd and sshd, for quick tests.
    case tiny
}
