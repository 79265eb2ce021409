import AWSCore
import DiskImages
import Sandbox
import Workbench

/// Copies of an AMI on EC2, for the checks to log in to: an instance each, in a stack of its own.
///
/// All are started at once, before the first is looked at: each takes minutes to come and to go.
package struct AMIGuests: GuestHost {
    package let hardware: String
    package let accelerator = "EC2"

    private let order: MachineOrder
    private let jupyterPort: Int
    private let machines: [String: Machines]
    private let instances: [String: AWSMachine]
    private let tell: @Sendable (Progress) -> Void

    /// - Parameters:
    ///   - copies: their names, and what makes each.
    ///   - tell: what is being waited for right now.
    /// - Throws: `Failure` where a stack does not come up. What was made is registered in `undo`.
    package static func start(
        _ order: MachineOrder, copies: [String: Machines], jupyterPort: Int, undo: Undo,
        tell: @escaping @Sendable (Progress) -> Void
    ) async throws -> AMIGuests {
        let events: EventSink = { if case .progress(_, let progress) = $0 { tell(progress) } }
        let instances = try await withThrowingTaskGroup(of: (String, AWSMachine).self) { group in
            for (name, machines) in copies {
                group.addTask { (name, try await machines.start(order, undo: undo, events: events)) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return AMIGuests(
            hardware: order.instanceType, order: order, jupyterPort: jupyterPort, machines: copies,
            instances: instances, tell: tell)
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

    /// Waits until the copy has told its host keys. It stays after `body`, until its undo runs.
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
                    host: address, sshPort: 22, jupyterPort: try freePorts(1)[0], consoleLog: console,
                    remote: .init(hostKeys: hostKeys, jupyterPort: jupyterPort, sshConfig: order.sshConfig)))
        }
    }

    /// - Throws: `GuestHostFailed` where AWS itself fails, `Failure` where it is the machine that never tells.
    private func introduction(
        of instance: AWSMachine, _ machines: Machines, _ console: String
    ) async throws -> (address: String, hostKeys: Set<String>) {
        do {
            return try await machines.introduction(of: instance.instanceID, console: console, tell: tell)
        } catch let error as AWSError { throw GuestHostFailed(error) }
    }

    /// Lets all go at the same time; the undo of each waits until it is gone.
    package func orderRemoval() async {
        for machines in machines.values { await machines.orderRemoval { _ in } }
    }

    /// What to say of those that are kept.
    package var hints: [String] {
        instances.sorted { $0.key < $1.key }.flatMap { name, machine in
            ["the \(name) copy is machine \(machine.instanceID)"] + (machines[name]?.hints(machine) ?? [])
        }
    }
}
