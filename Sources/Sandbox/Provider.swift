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

    /// Starts a machine that is reached by SSH and registers how it is removed.
    func setUp(_ order: BuildOrder, undo: Undo, events: @escaping EventSink) async throws -> Machine

    /// Keeps the state after a step of the playbook where the provider can; may return a restarted machine.
    func keep(
        _ machine: Machine, after step: PlaybookStep, missing: [MissingComponent], undo: Undo,
        events: @escaping EventSink
    ) async throws -> Machine

    func capture(_ machine: Machine, of order: BuildOrder, undo: Undo, events: @escaping EventSink) async throws
        -> Image

    /// - Parameter missing: what the sandbox lacks, for the manifest.
    func export(
        _ image: Image, of order: BuildOrder, missing: [MissingComponent], undo: Undo, events: @escaping EventSink
    ) async throws -> [Artifact]
}

package protocol BuildMachine: Sendable {
    var endpoint: SSHEndpoint { get }
    /// Number of playbook steps whose result the machine already has.
    var stepsDone: Int { get }
    /// Environment for tasks that load packages during the build: certificates, package index.
    var buildEnvironment: [String: String] { get }
    /// What the cached system that the machine started from is known to lack.
    var missing: [MissingComponent] { get }
}

package struct FinishedBuild: Sendable, Equatable {
    package var artifacts: [Artifact]
    package var missing: [MissingComponent]

    package init(artifacts: [Artifact], missing: [MissingComponent]) {
        self.artifacts = artifacts
        self.missing = missing
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
        _ step: PlaybookStep, of order: BuildOrder, on machine: some BuildMachine, events: @escaping EventSink
    ) async throws -> [MissingComponent]

    /// Sets the expired default password and removes every trace of the build.
    func seal(_ order: BuildOrder, on machine: some BuildMachine, events: @escaping EventSink) async throws
}
