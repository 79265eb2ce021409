import AWSCore
import Sandbox
import Workbench

/// Copies of an AMI for the checks to log in to: one EC2 instance per copy, each in its own stack.
///
/// All instances start at the same time, before the first check, because starting and terminating each one takes
/// minutes.
package struct AMIGuests: GuestHost {
    package let hardware: String
    package let accelerator = "EC2"

    private let order: MachineOrder
    private let jupyterPort: Int
    private let machines: [String: Machines]
    private let instances: [String: AWSMachine]
    private let tell: @Sendable (Progress) -> Void

    /// - Parameters:
    ///   - copies: the launcher of each copy, by the copy's name.
    ///   - scope: where everything that is created is registered; it is told what the start is waiting for.
    /// - Throws: `Failure` if a stack cannot be created.
    package static func start(
        _ order: MachineOrder, copies: [String: Machines], jupyterPort: Int, in scope: Scope
    ) async throws -> AMIGuests {
        let progress = Scope(scope.undo) { if case .progress = $0 { scope.events($0) } }
        let instances = try await withThrowingTaskGroup(of: (String, AWSMachine).self) { group in
            for (name, machines) in copies {
                group.addTask { (name, try await machines.start(order, in: progress)) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        await scope.undo.register("stacks of the instances", remedy: "", isKeepable: true) { [events = scope.events] in
            events(.progress(.cleanUp, Progress("removing the instances")))
            // Starts deleting all stacks at the same time; the undo of each one waits until it is gone.
            for machines in copies.values { await machines.orderRemoval { _ in } }
        }
        return AMIGuests(
            hardware: order.instanceType, order: order, jupyterPort: jupyterPort, machines: copies,
            instances: instances, tell: { scope.progress(.setup, $0) })
    }

    private init(
        hardware: String, order: MachineOrder, jupyterPort: Int, machines: [String: Machines],
        instances: [String: AWSMachine], tell: @escaping @Sendable (Progress) -> Void
    ) {
        self.hardware = hardware
        self.order = order
        self.jupyterPort = jupyterPort
        self.machines = machines
        self.instances = instances
        self.tell = tell
    }

    /// Waits for the copy's host keys, then runs `body`. The copy keeps running afterwards, until its undo runs.
    package func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result {
        guard let machines = machines[name], let instance = instances[name] else {
            throw Failure(.bug, "no copy '\(name)' was started")
        }
        return try await withTemporaryDirectory { directory in
            let console = "\(directory)/console"
            let (address, hostKeys) = try await introduction(of: instance, machines, console)
            return try await body(
                GuestAddress(
                    host: address, sshPort: 22, jupyterPort: jupyterPort, consoleLog: console,
                    remote: .init(hostKeys: hostKeys, sshConfig: order.sshConfig)))
        }
    }

    /// - Throws: `GuestHostFailed` if AWS itself fails, `Failure` if the instance never prints its host keys.
    private func introduction(
        of instance: AWSMachine, _ machines: Machines, _ console: String
    ) async throws -> (address: String, hostKeys: Set<String>) {
        do {
            return try await machines.introduction(of: instance.instanceID, console: console, tell: tell)
        } catch let error as AWSError { throw GuestHostFailed(error) }
    }

    /// Hints for the copies that are kept: how to reach and remove them.
    package var hints: [String] {
        instances.sorted { $0.key < $1.key }.flatMap { name, machine in
            ["the \(name) copy is instance \(machine.instanceID)"] + (machines[name]?.hints(machine) ?? [])
        }
    }
}
