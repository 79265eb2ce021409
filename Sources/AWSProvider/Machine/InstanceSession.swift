import Sandbox

/// An interactive EC2 instance: launched, prepared, shown, kept until Ctrl-C, then removed.
package struct InstanceSession: Sendable {
    private let order: BuildOrder
    private let machines: Machines
    private let machineOrder: @Sendable () async throws -> MachineOrder

    /// - Parameters:
    ///   - order: with `keepsMachineOnFailure`, the instance stays however the session ends.
    ///   - machineOrder: asks AWS for the source image, as a part of the launch.
    package init(
        _ order: BuildOrder, on machines: Machines, machineOrder: @escaping @Sendable () async throws -> MachineOrder
    ) {
        self.order = order
        self.machines = machines
        self.machineOrder = machineOrder
    }

    /// - Parameters:
    ///   - provisioner: runs the whole playbook before the instance is shown; `nil` for a bare instance.
    ///   - show: tells the user how to connect.
    package func run(
        installingWith provisioner: (any Provisioner)?, events: @escaping EventSink, show: (AWSMachine) -> Void
    ) async throws {
        let log = StageLog(events: events, clock: ContinuousClock())
        let isKept = order.keepsMachineOnFailure
        try await Scope.run(
            keepsOnSuccess: isKept, keepsOnFailure: isKept, requiresCleanUp: true, log: log, events: events
        ) { scope in
            let machine = try await log.run(.setup) { (try await launch(scope), .done) }
            if let provisioner { try await install(with: provisioner, on: machine, BuildContext(order, scope), log) }
            show(machine)
            if isKept { return }
            scope.notice("press Ctrl-C to remove the instance")
            try await waitForEnd(of: machine, scope)
        }
    }

    private func launch(_ scope: Scope) async throws -> AWSMachine {
        let machine = try await machines.launch(try await machineOrder(), in: scope)
        for hint in machines.hints(machine) { await scope.undo.remember(hint: hint) }
        return machine
    }

    private func install(
        with provisioner: any Provisioner, on machine: AWSMachine, _ build: BuildContext, _ log: StageLog
    ) async throws {
        let everything = PlaybookStep(index: 0, roles: order.definition.playbook.roles)
        let missing = try await log.run(.install) {
            (try await provisioner.install(everything, on: machine, in: build).missing, .done)
        }
        for part in missing { build.scope.events(.lacking(part)) }
    }

    /// Waits for Ctrl-C, which is the normal end of a session, or until the instance ends unexpectedly.
    private func waitForEnd(of machine: AWSMachine, _ scope: Scope) async throws {
        do {
            let reason = try await machines.waitForEnd(of: machine)
            scope.warning("instance \(machine.instanceID) ended unexpectedly: \(reason)")
        } catch is CancellationError {}
    }
}
