import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// Resuming: the instance of an earlier run is reused if possible, otherwise deleted.
extension Machines {
    /// Seconds that an instance must still live. One hour is usually enough for everything after the launch.
    private static let leastLifetime: TimeInterval = 3600
    /// An instance that is already up answers quickly.
    private static let reuseLimit = Duration.seconds(120)

    /// Waits until the stack of an earlier run is no longer being changed.
    /// - Returns: `nil` if there is no such stack.
    /// - Throws: `Failure` if it belongs to another asset id.
    func leftStack(_ events: @escaping EventSink) async throws -> CloudFormation.Stack? {
        let stacks = stacks(events)
        let name = workspace.stackName
        return try await workspace.client.wait(for: "stack \(name)", at: workspace.polling) {
            () -> CloudFormation.Stack?? in
            guard let stack = try await stacks.stack(name) else { return .some(nil) }
            guard isOurs(stack) else { throw foreign(stack) }
            guard StackState(status: stack.stackStatus) == .busy else { return stack }
            events(.progress(.setup, Progress("waiting for stack \(name): \(stack.stackStatus)")))
            return .none
        }
    }

    private func foreign(_ stack: CloudFormation.Stack) -> Failure {
        let owner = stack.tag(workspace.names.tagKey).map { "to asset id \($0)" } ?? "to no asset id"
        return Failure(
            .failed, "stack \(workspace.stackName) already exists in \(workspace.region) and belongs \(owner)",
            advice:
                "use another --asset-id, or inspect it with: \(StackCommands.look(workspace.stackName, in: workspace.region))"
        )
    }

    /// Returns the instance of the stack if an earlier run sealed it.
    func sealed(_ stack: CloudFormation.Stack, _ order: MachineOrder) async throws -> AWSMachine? {
        guard order.reuse == .any, StackState.isSuccess(stack.stackStatus),
            stack.tag(ImageFacts.Key.inputs) == order.inputs,
            let instance = try await instance(of: stack), instance.isThere,
            instance.tag(Tag.stage) == Tag.sealed
        else { return nil }
        return machine(instance, of: stack)
    }

    /// Returns the instance of the stack if it was launched from this host with the same settings, lives long enough
    /// and is reachable.
    func unfinished(
        _ left: CloudFormation.Stack, _ order: MachineOrder, _ wanted: MachineStack, _ events: @escaping EventSink
    ) async throws -> AWSMachine? {
        guard order.reuse != .none, StackState.isSuccess(left.stackStatus), wanted.isSame(as: left),
            let expires = left.expires, expires.timeIntervalSince(workspace.now()) > Self.leastLifetime,
            let instance = try await instance(of: left), instance.isThere, instance.tag(Tag.stage) == nil,
            directory.record == .init(stackID: left.stackId ?? "", instanceID: instance.instanceId),
            [keyFile(order.key), directory.knownHosts].allSatisfy(fileExists)
        else { return nil }
        do {
            let machine = try await reached(
                instance.instanceId, order, wanted, until: expires, limit: Self.reuseLimit, events)
            try await ready(machine, order, events)
            events(.notice("resuming with instance \(machine.instanceID) from an earlier run"))
            return machine
        } catch let failure as Failure {
            events(.notice("cannot reuse instance \(instance.instanceId) from an earlier run: \(failure.message)"))
            return nil
        }
    }

    /// Deletes a stack that cannot be reused.
    func clear(_ left: CloudFormation.Stack, _ events: @escaping EventSink) async throws {
        events(.notice("deleting stack \(workspace.stackName), left by an earlier run (\(left.stackStatus))"))
        do {
            try await activity(Self.removal, events) { try await stacks(events).remove(left) }
        } catch let cut as LeftBehind {
            // The registered undo completes the deletion.
            throw cut.cause
        }
    }

    private func instance(of stack: CloudFormation.Stack) async throws -> EC2.Instance? {
        guard let id = stack.outputValues[MachineStack.Name.instanceID] else { return nil }
        return try await instance(id)
    }

    /// Returns `nil` if AWS does not know the instance, or does not know it yet.
    func instance(_ id: String) async throws -> EC2.Instance? {
        do {
            return try await workspace.client.call(EC2.DescribeInstances(instanceIds: [id]))
                .reservations.flatMap(\.instances).first
        } catch let error as AWSError where error.code == "InvalidInstanceID.NotFound" {
            return nil
        }
    }

    enum Tag {
        static let stage = "dss-stage"
        static let sealed = "sealed"
        static let missing = ImageFacts.Key.missing
    }
}

extension EC2.Instance {
    func tag(_ key: String) -> String? { tags.first { $0.key == key }?.value }

    /// Whether the instance exists, that is, has not been terminated.
    var isThere: Bool { !["shutting-down", "terminated"].contains(state.name) }

    /// Its address, preferably a public one.
    var address: String? {
        [publicIpAddress, publicDnsName, privateIpAddress].compactMap { $0 }.first { !$0.isEmpty }
    }

    /// The reason for its state as AWS reports it.
    var reason: String {
        stateReason?.message ?? stateReason?.code ?? "AWS gives no reason"
    }
}

/// A running EC2 instance that is reachable by SSH.
package struct AWSMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let instanceID: String
    /// Host name or IP address.
    package let address: String
    /// When the instance powers itself off.
    package let expires: Date?
    /// Estimated dollars per hour; `nil` if the instance type is not in the price list.
    package let hourlyCost: Double?
    /// Whether an earlier run sealed the instance, so that nobody can log in anymore.
    package let isSealed: Bool
    /// Components of the sandbox that an earlier run could not install.
    package let missing: [MissingComponent]

    package let stepsDone = 0
    package let buildEnvironment: [String: String] = [:]

    /// A copy of this value, marked as sealed.
    var sealed: AWSMachine {
        AWSMachine(
            endpoint: endpoint, instanceID: instanceID, address: address, expires: expires, hourlyCost: hourlyCost,
            isSealed: true, missing: missing)
    }

    package init(
        endpoint: SSHEndpoint, instanceID: String, address: String, expires: Date? = nil, hourlyCost: Double? = nil,
        isSealed: Bool = false, missing: [MissingComponent] = []
    ) {
        self.endpoint = endpoint
        self.instanceID = instanceID
        self.address = address
        self.expires = expires
        self.hourlyCost = hourlyCost
        self.isSealed = isSealed
        self.missing = missing
    }
}
