import AWSCore
import AWSServices
import Sandbox
import Workbench

/// The stack of the machine, and how it and all that goes with it is removed.
extension Machines {
    static let removal = "removing the stack"

    /// The undo of all that a launch makes, safe where there is nothing. Somebody else's is never touched.
    /// - Parameter makesKey: whether a key pair is made for it.
    func register(makesKey: Bool, _ claim: MachineClaim, _ undo: Undo, _ events: @escaping EventSink) async {
        await undo.register("the directory \(directory.path)", remedy: "rm -r \(directory.path)", isKeepable: true) {
            defer { claim.giveBack() }
            try await removeDirectory()
        }
        if makesKey {
            await undo.register("key pair \(site.stackName)", remedy: site.remedy, isKeepable: true) {
                try await removeKeyPair()
            }
        }
        await undo.register("stack \(site.stackName)", remedy: site.remedy, isKeepable: true) {
            try await removeStack(events)
        }
    }

    /// Begins to remove all of it and does not wait. The undo that is registered for it waits; it runs even where the
    /// machine was to be kept. Where AWS refuses, that undo tries again and tells.
    package func beginRemoval(undo: Undo, events: @escaping EventSink) async {
        events(.activityStarted(Self.removal))
        await orderRemoval(events)
        // No child of this task: it goes on where the build is cancelled, and its end is noted when it comes, not when
        // somebody asks.
        let removal = Task {
            defer { events(.activityFinished(Self.removal)) }
            try await remove(events: events)
        }
        await undo.register("stack \(site.stackName) and its key pair", remedy: site.remedy) {
            do { try await removal.value } catch { try await remove(events: events) }
        }
    }

    func orderRemoval(_ events: @escaping EventSink) async {
        guard let stack = try? await stacks(events).stack(site.stackName), isOurs(stack) else { return }
        _ = try? await site.client.call(CloudFormation.DeleteStack(stackName: stack.stackId ?? site.stackName))
    }

    /// Removes machine, stack, key pair and what is kept here, and waits until they are gone.
    package func remove(events: @escaping EventSink) async throws {
        if let stack = try await stacks(events, .cleanUp).stack(site.stackName), isOurs(stack) {
            try await stacks(events, .cleanUp).remove(stack)
        }
        try await removeKeyPair()
        try await removeDirectory()
    }

    private func removeStack(_ events: @escaping EventSink) async throws {
        let stacks = stacks(events, .cleanUp)
        guard let stack = try await stacks.stack(site.stackName), isOurs(stack) else { return }
        try await activity(Self.removal, events) { try await stacks.remove(stack) }
    }

    private func removeDirectory() async throws {
        if let socket = directory.controlPath, fileExists(socket) {
            // The shared connection would live on for a minute.
            _ = try? await runner.execute(Command("ssh", ["-F", "none", "-S", socket, "-O", "exit", alias]))
        }
        try directory.remove()
    }

    // Making it

    func deploy(_ order: StackOrder, _ events: @escaping EventSink) async throws -> Deployment {
        try await activity("stack", events) {
            do { return try await stacks(events).deploy(order) } catch let left as LeftBehind {
                // The undo of the stack removes it, whatever its status.
                throw left.cause
            } catch var failure as Failure where failure.details.contains(where: { $0.contains("default VPC") }) {
                // AWS tells it in words only.
                failure.advice = "aws ec2 create-default-vpc --region \(site.region)"
                throw failure
            }
        }
    }

    func stackID() async throws -> String? { try await stacks { _ in }.stack(site.stackName)?.stackId }

    func stacks(_ events: @escaping EventSink, _ stage: Stage = .setup) -> Stacks {
        let talk = StackTalk(
            approve: { _ in true }, approveRemoval: { _ in true },
            tell: { events(.progress(stage, Progress($0.sentence))) })
        return Stacks(site.client, talk, pace: site.pace)
    }

    /// A stack that was never executed may have no tags yet; there is nothing in it.
    func isOurs(_ stack: CloudFormation.Stack) -> Bool {
        guard let owner = stack.tag(site.names.tagKey) else {
            return StackState(status: stack.stackStatus) == .draft
        }
        return owner == site.assetID.rawValue
    }
}

extension StackNews {
    var sentence: String {
        switch self {
        case .step(let text): text
        case .event(let resource, _, let status, _): "\(resource) \(status)"
        }
    }
}
