import AWSCore
import Sandbox

/// Starts instances of an AMI, runs checks on them, and removes them.
package struct AMIVerification: Sendable {
    package let instanceType: String
    private let names: SandboxDefinition.Names
    private let definedUser: String
    private let definedPort: Int
    private let networks: [IPNetwork]
    private let sshConfig: String?
    private let lifetime: Duration
    private let polling: PollingPolicy
    private let machines: @Sendable (AWSWorkspace) -> Machines

    /// - Parameters:
    ///   - definition: provides the user and the port if the tags of the image do not; `nil` for the defaults.
    ///   - lifetime: the time after which the instances power themselves off, whatever happens.
    package init(
        _ definition: SandboxDefinition?, networks: [IPNetwork], sshConfig: String?, lifetime: Duration,
        polling: PollingPolicy, machines: @escaping @Sendable (AWSWorkspace) -> Machines
    ) {
        instanceType = (definition?.aws ?? .init()).instanceType
        names = definition?.names ?? .init()
        definedUser = (definition?.user ?? .init()).name
        definedPort = (definition?.ports ?? .init()).jupyter
        self.networks = networks
        self.sshConfig = sshConfig
        self.lifetime = lifetime
        self.polling = polling
        self.machines = machines
    }

    package func user(of image: StartableImage) -> String { image.facts?.user ?? definedUser }

    package func jupyterPort(of image: StartableImage) -> Int { image.facts?.jupyterPort ?? definedPort }

    /// - Parameters:
    ///   - copies: the names of the instances to start.
    ///   - keepsOnFailure: whether the instances stay if a check fails. They do not stay if the checks cannot run.
    package func run(
        _ image: StartableImage, in client: AWSClient, copies: [String], keepsOnFailure: Bool,
        events: @escaping EventSink, check: (AMIGuests) async throws -> VerificationReport
    ) async throws -> VerificationReport {
        try await Scope.run(keepsOnFailure: keepsOnFailure, events: events, isSuccess: \.passed) { scope in
            let guests = try await AMIGuests.start(
                order(image), copies: try launchers(copies, image, client), jupyterPort: jupyterPort(of: image),
                in: scope)
            let report = try await check(guests)
            for hint in guests.hints { await scope.undo.remember(hint: hint) }
            return report
        }
    }

    /// The order for an instance whose disk has the size of the image.
    private func order(_ image: StartableImage) -> MachineOrder {
        MachineOrder(
            source: image.source, instanceType: instanceType, volumeGiB: image.source.rootGiB,
            user: user(of: image), sshNetworks: networks, sshConfig: sshConfig)
    }

    private func launchers(
        _ copies: [String], _ image: StartableImage, _ client: AWSClient
    ) throws -> [String: Machines] {
        try copies.reduce(into: [:]) { launchers, copy in
            launchers[copy] = machines(
                AWSWorkspace(
                    client, try image.assetID(ofCopy: copy), names: names, polling: polling, lifetime: lifetime))
        }
    }
}
