/// A place where a sandbox can be built: this machine, or AWS.
///
/// Each requirement is one stage's work; order, timing, events and clean-up are `createVM`'s.
package protocol VMProvider: Sendable {
    associatedtype Machine: BuildMachine
    /// The captured, sealed system: a raw disk here, an AMI on AWS.
    associatedtype Image: Sendable

    var name: String { get }

    /// The artifacts of an earlier build that are what this order would give; `nil` where there is work to do.
    func finished(_ order: BuildOrder) async throws -> FinishedBuild?

    /// The image that an earlier run has captured of this order, on a provider where images outlive a run that failed:
    /// what remains is the export.
    func captured(in build: BuildContext) async throws -> Captured<Image>?

    /// Starts a machine that is reached by SSH and registers how it is removed.
    func setUp(_ build: BuildContext) async throws -> Machine

    /// What to say of the machine where `--keep-on-failure` leaves it: how to reach and how to remove it.
    func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String]

    /// Keeps the state after a step of the playbook where the provider can; may return a restarted machine.
    func keep(
        _ machine: Machine, after step: PlaybookStep, missing: [MissingComponent], in build: BuildContext
    ) async throws -> Machine

    /// - Parameter missing: what the sandbox lacks, for what remembers it beside the image.
    func capture(_ machine: Machine, missing: [MissingComponent], in build: BuildContext) async throws -> Image

    /// - Parameter missing: what the sandbox lacks, for the manifest.
    func export(_ image: Image, missing: [MissingComponent], in build: BuildContext) async throws -> [Artifact]

    /// What the image is called where machines of the provider can start from it.
    func machineImage(_ image: Image) -> MachineImage?
}

extension VMProvider {
    package func captured(in build: BuildContext) async throws -> Captured<Image>? { nil }

    package func machineImage(_ image: Image) -> MachineImage? { nil }
}

/// An image of an earlier run, and what the sandbox in it lacks.
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
    /// Number of playbook steps whose result the machine already has.
    var stepsDone: Int { get }
    /// Environment for tasks that load packages during the build: certificates, package index.
    var buildEnvironment: [String: String] { get }
    /// What the cached system that the machine started from is known to lack.
    var missing: [MissingComponent] { get }
    /// Nothing is left to be done on it but to capture it: an earlier run has sealed it.
    var isSealed: Bool { get }
}

extension BuildMachine {
    package var isSealed: Bool { false }
}

package struct FinishedBuild: Sendable, Equatable {
    package var artifacts: [Artifact]
    package var missing: [MissingComponent]
    package var machineImage: MachineImage?

    package init(artifacts: [Artifact], missing: [MissingComponent], machineImage: MachineImage? = nil) {
        self.artifacts = artifacts
        self.missing = missing
        self.machineImage = machineImage
    }
}

/// A part of the playbook that is run in one go: some of its roles, in order.
package struct PlaybookStep: Sendable, Equatable {
    package var index: Int
    package var roles: [String]

    package init(index: Int, roles: [String]) {
        self.index = index
        self.roles = roles
    }
}

/// Installs and seals what a provider has started; the same for all of them.
package protocol Provisioner: Sendable {
    /// - Returns: everything that could not be installed by now and may be missing.
    func install(
        _ step: PlaybookStep, on machine: some BuildMachine, in build: BuildContext
    ) async throws -> [MissingComponent]

    /// Sets the expired default password and removes every trace of the build.
    func seal(_ machine: some BuildMachine, in build: BuildContext) async throws
}

/// How a machine is reached by SSH: a configuration file that says everything (address, port, user, key,
/// pinned host key, proxy) and the host's alias in it, so that `ssh -F CONFIG ALIAS` is all that is ever needed.
package struct SSHEndpoint: Sendable, Equatable, Codable {
    package var configFile: String
    package var alias: String

    package init(configFile: String, alias: String) {
        self.configFile = configFile
        self.alias = alias
    }

    package var commandLine: String { "ssh -F '\(configFile)' '\(alias)'" }
}
