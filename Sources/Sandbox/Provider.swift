/// A place where a sandbox can be built: this host or AWS.
///
/// Each requirement does the work of one stage. `createVM` handles order, timing, events and clean-up.
package protocol VMProvider: Sendable {
    associatedtype Machine: BuildMachine
    /// The captured, sealed system: a raw disk on this host, an AMI on AWS.
    associatedtype Image: Sendable

    var name: String { get }

    /// The finished artifacts of an earlier build that match this order; `nil` if there is something left to build.
    func finished(_ order: BuildOrder) async throws -> FinishedBuild?

    /// Refuses an order for a reason that is known without a machine, such as files that the images would replace. It
    /// is called before any stage begins, so that nobody waits for a refusal.
    func requireBuildable(_ order: BuildOrder) async throws

    /// The image that an earlier run captured for this order, so that only the export remains. It exists only on
    /// providers where images outlive a failed run.
    func captured(in build: BuildContext) async throws -> Captured<Image>?

    /// Starts a machine that is reached by SSH, or takes the one that was kept after a failure if the order says so, and
    /// registers its removal.
    func setUp(_ build: BuildContext) async throws -> Machine

    /// Hints on a machine that `--keep-on-failure` keeps: how to connect to it and how to remove it.
    func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String]

    /// Keeps the state of the machine after a playbook step, if the provider can. The returned machine may have been
    /// restarted.
    func keep(
        _ machine: Machine, after step: PlaybookStep, _ installed: InstalledStep, in build: BuildContext
    ) async throws -> Machine

    /// Captures the sealed machine as an image.
    /// - Parameter missing: components that are missing from the sandbox, to be recorded along with the image.
    func capture(_ machine: Machine, missing: [MissingComponent], in build: BuildContext) async throws -> Image

    /// Exports the image as artifacts.
    /// - Parameter missing: components that are missing from the sandbox, for the manifest.
    func export(_ image: Image, missing: [MissingComponent], in build: BuildContext) async throws -> [Artifact]

    /// Id, name and region of the image; `nil` if the provider cannot start machines from it.
    func machineImage(_ image: Image) -> MachineImage?
}

extension VMProvider {
    package func requireBuildable(_ order: BuildOrder) async throws {}

    package func captured(in build: BuildContext) async throws -> Captured<Image>? { nil }

    package func machineImage(_ image: Image) -> MachineImage? { nil }
}

/// A captured image, and the components that are missing from it.
package struct Captured<Image: Sendable>: Sendable {
    package var image: Image
    package var missing: [MissingComponent]

    package init(_ image: Image, missing: [MissingComponent]) {
        self.image = image
        self.missing = missing
    }
}

package protocol BuildMachine: Sendable {
    var endpoint: SSHEndpoint { get }
    /// Number of playbook steps whose result the machine already contains.
    var stepsDone: Int { get }
    /// Environment variables for tasks that download packages during the build: certificates, package index. They are
    /// shown in process lists, so none contains a password.
    var buildEnvironment: [String: String] { get }
    /// Names of the variables that every login to the machine has for the same purpose, and whose values are secret.
    var privateVariables: [String] { get }
    /// Components that are known to be missing from the cached system that the machine started from.
    var missing: [MissingComponent] { get }
    /// Whether an earlier run has sealed the machine, so that it only needs to be captured.
    var isSealed: Bool { get }
}

extension BuildMachine {
    package var isSealed: Bool { false }
    package var privateVariables: [String] { [] }
}

package struct FinishedBuild: Sendable, Equatable {
    package var artifacts: [Artifact]
    package var missing: [MissingComponent]
    package var machineImage: MachineImage?
    /// What its user has to know of an earlier build.
    package var note: String?

    package init(artifacts: [Artifact], missing: [MissingComponent], machineImage: MachineImage? = nil) {
        self.artifacts = artifacts
        self.missing = missing
        self.machineImage = machineImage
    }
}

/// A group of roles of the playbook that run together, in order.
package struct PlaybookStep: Sendable, Equatable {
    package var index: Int
    package var roles: [String]
    /// Whether the play's `tasks:` and `post_tasks:` run in this step, after its roles. They do in the last step.
    package var includesTasks: Bool

    package init(index: Int, roles: [String], includesTasks: Bool = true) {
        self.index = index
        self.roles = roles
        self.includesTasks = includesTasks
    }
}

/// What is known of a step of the playbook after it ran.
package struct InstalledStep: Sendable, Equatable {
    /// All optional components that could not be installed so far.
    package var missing: [MissingComponent]
    /// What was read outside of the playbook's folder: digests by path, relative to that folder.
    package var reads: [String: String]

    package init(missing: [MissingComponent] = [], reads: [String: String] = [:]) {
        self.missing = missing
        self.reads = reads
    }
}

/// Installs the sandbox on a machine and seals it, in the same way for all providers.
package protocol Provisioner: Sendable {
    /// Runs one step of the playbook.
    func install(
        _ step: PlaybookStep, on machine: some BuildMachine, in build: BuildContext
    ) async throws -> InstalledStep

    /// Sets the expired default password and removes every trace of the build.
    func seal(_ machine: some BuildMachine, in build: BuildContext) async throws
}

/// The SSH connection to a machine: a configuration file with all settings (address, port, user, key, pinned host key,
/// proxy) and the alias of the host in that file. `ssh -F CONFIG ALIAS` needs no further options.
package struct SSHEndpoint: Sendable, Equatable, Codable {
    package var configFile: String
    package var alias: String

    package init(configFile: String, alias: String) {
        self.configFile = configFile
        self.alias = alias
    }

    package var commandLine: String { "ssh -F '\(configFile)' '\(alias)'" }
}
