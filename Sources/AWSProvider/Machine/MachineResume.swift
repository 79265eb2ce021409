import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// What an earlier run has left: used where it will do, else removed.
extension Machines {
    /// An hour is enough for what follows the launch, mostly.
    private static let leastLifetime: TimeInterval = 3600
    /// A machine that was up before answers soon.
    private static let reuseLimit = Duration.seconds(120)

    /// The stack of an earlier run when nothing happens to it any more; `nil` where there is none.
    /// - Throws: `Failure` where it is somebody else's.
    func leftStack(_ events: @escaping EventSink) async throws -> CloudFormation.Stack? {
        let stacks = stacks(events)
        let name = site.stackName
        return try await site.client.wait(for: "stack \(name)", at: site.pace) { () -> CloudFormation.Stack?? in
            guard let stack = try await stacks.stack(name) else { return .some(nil) }
            guard isOurs(stack) else { throw foreign(stack) }
            guard StackState(status: stack.stackStatus) == .busy else { return stack }
            events(.progress(.setup, Progress("waiting for stack \(name): \(stack.stackStatus)")))
            return .none
        }
    }

    private func foreign(_ stack: CloudFormation.Stack) -> Failure {
        let owner = stack.tag(site.names.tagKey).map { "of asset id \($0)" } ?? "not of any asset id"
        return Failure(
            .failed, "there is a stack \(site.stackName) in \(site.region) already, and it is \(owner)",
            advice: "use another --asset-id, or look at it with: \(StackAdvice.look(site.stackName, in: site.region))")
    }

    /// Its machine, if an earlier run has sealed it.
    func sealed(_ stack: CloudFormation.Stack, _ order: MachineOrder) async throws -> AWSMachine? {
        guard order.reuse == .any, StackState.isSuccess(stack.stackStatus),
            stack.tag(ImageFacts.Key.inputs) ?? "" == order.inputs,
            let instance = try await instance(of: stack), instance.isThere,
            instance.tag(Tag.stage) == Tag.sealed
        else { return nil }
        return machine(instance, of: stack)
    }

    /// Its machine, if it was begun here as it is ordered now, lives long enough and lets one in.
    func unfinished(
        _ left: CloudFormation.Stack, _ order: MachineOrder, _ wanted: MachineStack, _ events: @escaping EventSink
    ) async throws -> AWSMachine? {
        guard order.reuse != .none, StackState.isSuccess(left.stackStatus), wanted.isSame(as: left),
            let expires = left.expires, expires.timeIntervalSince(site.now()) > Self.leastLifetime,
            let instance = try await instance(of: left), instance.isThere, instance.tag(Tag.stage) == nil,
            directory.record == .init(stackID: left.stackId ?? "", instanceID: instance.instanceId),
            [keyFile(order.key), directory.knownHosts].allSatisfy(fileExists)
        else { return nil }
        do {
            let machine = try await reached(
                instance.instanceId, order, wanted, until: expires, limit: Self.reuseLimit, events)
            try await ready(machine, order, events)
            events(.notice("going on with machine \(machine.instanceID) of an earlier run"))
            return machine
        } catch let failure as Failure {
            events(.notice("machine \(instance.instanceId) of an earlier run is of no use: \(failure.message)"))
            return nil
        }
    }

    /// Removes what is of no use.
    func clear(_ left: CloudFormation.Stack, _ events: @escaping EventSink) async throws {
        events(.notice("removing stack \(site.stackName), which an earlier run has left (\(left.stackStatus))"))
        do {
            try await activity(Self.removal, events) { try await stacks(events).remove(left) }
        } catch let cut as LeftBehind {
            // The undo goes on with it.
            throw cut.cause
        }
    }

    private func instance(of stack: CloudFormation.Stack) async throws -> EC2.Instance? {
        guard let id = stack.outputValues[MachineStack.Name.instanceID] else { return nil }
        return try await instance(id)
    }

    /// `nil` where AWS does not know it, or not yet.
    func instance(_ id: String) async throws -> EC2.Instance? {
        do {
            return try await site.client.call(EC2.DescribeInstances(instanceIds: [id]))
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

    /// It has not been terminated.
    var isThere: Bool { !["shutting-down", "terminated"].contains(state.name) }

    /// Where it is reached, from outside if it can be.
    var address: String? {
        [publicIpAddress, publicDnsName, privateIpAddress].compactMap { $0 }.first { !$0.isEmpty }
    }

    /// Why it is as it is, in AWS's words.
    var reason: String {
        stateReason?.message ?? stateReason?.code ?? "AWS gives no reason"
    }
}

/// A running EC2 instance that is reached by SSH.
package struct AWSMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let instanceID: String
    /// Where it is reached.
    package let address: String
    /// When it powers itself off.
    package let expires: Date?
    /// Dollars an hour, estimated; `nil` where the price list does not know it.
    package let hourlyCost: Double?
    /// An earlier run has sealed it; nobody can log in any more.
    package let isSealed: Bool
    /// What an earlier run has found missing of the sandbox on it.
    package let missing: [MissingComponent]

    package let stepsDone = 0
    package let buildEnvironment: [String: String] = [:]

    /// The same after the seal.
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
