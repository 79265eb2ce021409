import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// A change set that was not executed yet: whatever happens, it must not be left behind.
struct ChangeSetDraft: Sendable {
    let order: StackOrder
    let kind: StackPlan.Kind
    let name: String
    let present: [String: String]

    /// - Parameter stack: as it is now; `nil` where it is to be made.
    init(_ order: StackOrder, over stack: CloudFormation.Stack?) {
        self.order = order
        kind = stack == nil ? .create : .update
        name = "dss-\(UUID().uuidString.lowercased())"
        present = stack?.parameterValues ?? [:]
    }

    var values: [String: String] { order.values(over: present) }

    var creation: CloudFormation.CreateChangeSet {
        CloudFormation.CreateChangeSet(
            stackName: order.name, changeSetName: name, changeSetType: kind == .create ? "CREATE" : "UPDATE",
            templateBody: order.template,
            parameters: values.sorted { $0.key < $1.key }.map { .init(parameterKey: $0.key, parameterValue: $0.value) },
            capabilities: order.capabilities,
            tags: order.tags.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: $0.value) })
    }
}

extension Stacks {
    /// Has AWS work out what would change.
    /// - Returns: `nil` where nothing would.
    func draw(_ draft: ChangeSetDraft) async throws -> StackPlan? {
        talk.tell(.step("working out what changes in stack \(draft.order.name)"))
        _ = try await client.call(draft.creation)
        let request = CloudFormation.DescribeChangeSet(changeSetName: draft.name, stackName: draft.order.name)
        let made = try await client.wait(for: "the change set of stack \(draft.order.name)", at: pace) {
            let now = try await client.call(request)
            return now.status.hasSuffix("_PENDING") || now.status.hasSuffix("_IN_PROGRESS") ? nil : now
        }
        if made.status == "FAILED" {
            guard !made.isWithoutChanges else { return nil }
            throw Failure(
                .failed, "AWS cannot change stack \(draft.order.name) in \(client.region)",
                details: [made.statusReason ?? "AWS gives no reason"])
        }
        var changes: [PlannedChange] = []
        for try await change in client.items(of: request) { PlannedChange(change).map { changes.append($0) } }
        return StackPlan(
            stack: draft.order.name, region: client.region, kind: draft.kind, changes: changes,
            settings: PlannedSetting.all(from: draft.present, to: draft.values))
    }

    func execute(_ draft: ChangeSetDraft) async throws {
        _ = try await client.call(
            CloudFormation.ExecuteChangeSet(changeSetName: draft.name, stackName: draft.order.name))
    }

    /// Removes the change set, and the empty stack that AWS makes for the first one.
    func discard(_ draft: ChangeSetDraft) async throws {
        guard let stack = try await stack(draft.order.name) else { return }
        _ = try await client.call(
            CloudFormation.DeleteChangeSet(changeSetName: draft.name, stackName: draft.order.name))
        guard draft.kind == .create, StackState(status: stack.stackStatus) == .draft else { return }
        try await delete(stack)
    }

    /// Discards what was not executed, also where the task is cancelled.
    /// - Returns: the error to throw, with what could not be removed.
    func afterDiscarding(_ draft: ChangeSetDraft, _ error: any Error) async -> any Error {
        await Task {
            do {
                try await discard(draft)
                return error
            } catch let failure {
                let remedy = StackAdvice.delete(draft, in: client.region)
                return LeftBehind(
                    cause: error,
                    leftovers: [
                        "change set \(draft.name) of stack \(draft.order.name) could not be removed: \(failure); "
                            + "remove it with: \(remedy)"
                    ])
            }
        }.value
    }
}

extension CloudFormation.DescribeChangeSet.Output {
    /// AWS calls it a failure where nothing would change, and tells it from others in words only.
    /// Source: `deployer.py` of the AWS CLI, which looks for the same two sentences.
    var isWithoutChanges: Bool {
        let reason = statusReason ?? ""
        return reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
    }
}
