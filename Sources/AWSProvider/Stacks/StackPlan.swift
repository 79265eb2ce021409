import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// What executing a change set would do, to be shown before.
package struct StackPlan: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case create, update
    }

    package var stack: String
    package var region: String
    package var kind: Kind
    package var changes: [PlannedChange]
    package var settings: [PlannedSetting]

    package init(
        stack: String, region: String, kind: Kind, changes: [PlannedChange], settings: [PlannedSetting] = []
    ) {
        self.stack = stack
        self.region = region
        self.kind = kind
        self.changes = changes
        self.settings = settings
    }
}

/// What happens to one resource of a stack.
package struct PlannedChange: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        case add, change
        /// Made anew and the old one removed: what is in it is lost, and its id changes.
        case replace
        /// AWS knows only when it gets there.
        case mayReplace = "may replace"
        case remove
        /// Taken into the stack, or decided by AWS on the way.
        case other
    }

    package var action: Action
    /// Its name in the template.
    package var resource: String
    package var type: String
    package var id: String?
    /// Properties and attributes that change, where AWS says so.
    package var properties: [String]

    package init(_ action: Action, _ resource: String, type: String, id: String? = nil, properties: [String] = []) {
        self.action = action
        self.resource = resource
        self.type = type
        self.id = id
        self.properties = properties
    }

    init?(_ change: CloudFormation.Change) {
        guard let change = change.resourceChange else { return nil }
        let names = change.details.compactMap { $0.target?.name ?? $0.target?.attribute }
        self.init(
            Action(change), change.logicalResourceId ?? "?", type: change.resourceType ?? "?",
            id: change.physicalResourceId,
            properties: Array(Set(names.isEmpty && change.action == "Modify" ? change.scope : names)).sorted())
    }
}

extension PlannedChange.Action {
    init(_ change: CloudFormation.ResourceChange) {
        self =
            switch (change.action, change.replacement) {
            case ("Add", _): .add
            case ("Remove", _): .remove
            case ("Modify", "True"): .replace
            case ("Modify", "Conditional"): .mayReplace
            case ("Modify", _): .change
            default: .other
            }
    }
}

/// A parameter whose value is set or changes.
package struct PlannedSetting: Sendable, Equatable {
    package var name: String
    /// `nil` where the stack does not have it yet.
    package var before: String?
    package var after: String

    package init(_ name: String, before: String?, after: String) {
        self.name = name
        self.before = before
        self.after = after
    }

    static func all(from present: [String: String], to values: [String: String]) -> [PlannedSetting] {
        values.filter { present[$0.key] != $0.value }.sorted { $0.key < $1.key }
            .map { PlannedSetting($0.key, before: present[$0.key], after: $0.value) }
    }
}

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

/// What a stack is to be: template, values of its parameters, tags.
package struct StackOrder: Sendable, Equatable {
    package var name: String
    /// CloudFormation, in YAML, at most 51,200 bytes.
    package var template: String
    /// All parameters of the template.
    package var parameterNames: [String]
    /// Values that are set now. What is left out keeps the value that the stack has, or the template's default.
    /// A secret only where the template says NoEcho: everybody who may look at the stack sees the others.
    package var parameters: [String: String]
    /// Parameters without which the stack cannot be made, and the flags that set them.
    package var required: [String: String] = [:]
    package var capabilities: [String]
    package var tags: [String: String]
    /// Whether it is protected against being deleted by mistake.
    package var isProtected: Bool

    package init(
        name: String, template: String, parameterNames: [String], parameters: [String: String],
        capabilities: [String] = [], tags: [String: String] = [:], isProtected: Bool = true
    ) {
        self.name = name
        self.template = template
        self.parameterNames = parameterNames
        self.parameters = parameters
        self.capabilities = capabilities
        self.tags = tags
        self.isProtected = isProtected
    }

    /// The values to send for a stack that has these now.
    func values(over present: [String: String]) -> [String: String] {
        present.filter { parameterNames.contains($0.key) }.merging(parameters) { $1 }
    }

    /// - Throws: `Failure` that names the flags whose values the stack lacks.
    func checkRequired(over present: [String: String]) throws {
        let values = values(over: present)
        let missing = required.filter { values[$0.key] == nil }.map(\.value).sorted()
        guard missing.isEmpty else {
            throw Failure(
                .usage, "the first deployment of stack \(name) needs \(missing.joined(separator: " and "))",
                advice: "add what is missing and run it again; nothing was changed")
        }
    }
}

extension PermanentStack {
    package func order(_ parameters: [String: String]) -> StackOrder {
        var order = StackOrder(
            name: name, template: template, parameterNames: parameterNames, parameters: parameters,
            capabilities: capabilities, tags: ["created-by": "dss"])
        order.required = requiredParameters
        return order
    }
}

/// How a deployment talks to whoever ordered it.
package struct StackTalk: Sendable {
    /// Shown the plan; whether it is to be executed.
    package var approve: @Sendable (StackPlan) async throws -> Bool
    /// Whether a stack whose creation failed is to be removed.
    package var approveRemoval: @Sendable (FailedStack) async throws -> Bool
    /// Told what happens, as it happens.
    package var tell: @Sendable (StackNews) -> Void

    package init(
        approve: @escaping @Sendable (StackPlan) async throws -> Bool,
        approveRemoval: @escaping @Sendable (FailedStack) async throws -> Bool,
        tell: @escaping @Sendable (StackNews) -> Void
    ) {
        self.approve = approve
        self.approveRemoval = approveRemoval
        self.tell = tell
    }
}

extension StackTalk {
    /// For stacks that are only looked at.
    static let silent = StackTalk(approve: { _ in false }, approveRemoval: { _ in false }, tell: { _ in })
}

/// A stack whose creation failed, and why.
package struct FailedStack: Sendable, Equatable {
    package var name: String
    package var region: String
    package var status: String
    /// Lines for people.
    package var reasons: [String]
}

package enum StackNews: Sendable, Equatable {
    /// What is being waited for.
    case step(String)
    /// Something happened to a resource.
    case event(resource: String, type: String, status: String, reason: String?)

    init(_ event: CloudFormation.StackEvent) {
        self = .event(
            resource: event.logicalResourceId ?? "?", type: event.resourceType ?? "?",
            status: event.resourceStatus ?? "?", reason: event.resourceStatusReason)
    }
}

/// What became of an order.
package struct Deployment: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case created, updated, unchanged
        /// The plan was shown and not approved; nothing was changed.
        case planned
    }

    package var stack: String
    package var region: String
    package var outcome: Outcome
    package var plan: StackPlan?
    package var outputs: [String: String]
}
