import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// The effect of executing a change set, shown for approval before it is executed.
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

/// The planned change of one resource of a stack.
package struct PlannedChange: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        case add, change
        /// Created again, and the old resource deleted: its contents are lost, and its id changes.
        case replace
        /// Replaced or changed in place; AWS decides during the update.
        case mayReplace = "may replace"
        case remove
        /// An import, or an action that AWS decides during the update.
        case other
    }

    package var action: Action
    /// Logical name of the resource in the template.
    package var resource: String
    package var type: String
    package var id: String?
    /// Properties and attributes that change, as far as AWS reports them.
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
    /// `nil` if the stack does not have the parameter yet.
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

/// A change set that is not executed yet. It must not be left behind, whatever happens.
struct ChangeSetDraft: Sendable {
    let order: StackOrder
    let kind: StackPlan.Kind
    let name: String
    let present: [String: String]

    /// - Parameter stack: the existing stack; `nil` if it is to be created.
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
    /// Creates the change set and waits until AWS has computed the changes.
    /// - Returns: `nil` if nothing would change.
    func draw(_ draft: ChangeSetDraft) async throws -> StackPlan? {
        talk.tell(.step("computing the changes to stack \(draft.order.name)"))
        _ = try await client.call(draft.creation)
        let request = CloudFormation.DescribeChangeSet(changeSetName: draft.name, stackName: draft.order.name)
        let made = try await client.wait(for: "the change set of stack \(draft.order.name)", at: polling) {
            let now = try await client.call(request)
            return now.status.hasSuffix("_PENDING") || now.status.hasSuffix("_IN_PROGRESS") ? nil : now
        }
        if made.status == "FAILED" {
            guard !made.isWithoutChanges else { return nil }
            throw Failure(
                .failed, "cannot create a change set for stack \(draft.order.name) in \(client.region)",
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

    /// Deletes the change set, and the empty stack that AWS creates for the first change set of a new stack.
    func discard(_ draft: ChangeSetDraft) async throws {
        guard let stack = try await stack(draft.order.name) else { return }
        _ = try await client.call(
            CloudFormation.DeleteChangeSet(changeSetName: draft.name, stackName: draft.order.name))
        guard draft.kind == .create, StackState(status: stack.stackStatus) == .draft else { return }
        try await delete(stack)
    }

    /// Discards the change set, even if the task is cancelled.
    /// - Returns: the error to throw; it includes the change set if that could not be deleted.
    func afterDiscarding(_ draft: ChangeSetDraft, _ error: any Error) async -> any Error {
        await Task {
            do {
                try await discard(draft)
                return error
            } catch let failure {
                let remedy = StackCommands.delete(draft, in: client.region)
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
    /// Whether the change set failed because nothing would change. AWS distinguishes this from other failures only in
    /// the message.
    /// Source: `deployer.py` of the AWS CLI, which looks for the same two sentences.
    var isWithoutChanges: Bool {
        let reason = statusReason ?? ""
        return reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
    }
}

/// The requested state of a stack: template, parameter values and tags.
package struct StackOrder: Sendable, Equatable {
    package var name: String
    /// The CloudFormation template in YAML, at most 51,200 bytes.
    package var template: String
    /// Names of all parameters of the template.
    package var parameterNames: [String]
    /// Parameter values to set. An omitted parameter keeps its current value, or gets the default of the template. Only
    /// a `NoEcho` parameter may hold a secret: everybody who can describe the stack sees all others.
    package var parameters: [String: String]
    /// The option that sets each required parameter, by parameter.
    package var required: [String: String] = [:]
    package var capabilities: [String]
    package var tags: [String: String]
    /// Whether termination protection is enabled.
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

    /// The parameter values to send for a stack whose current values are `present`.
    func values(over present: [String: String]) -> [String: String] {
        present.filter { parameterNames.contains($0.key) }.merging(parameters) { $1 }
    }

    /// - Throws: `Failure` that names the options of missing required parameters.
    func checkRequired(over present: [String: String]) throws {
        let values = values(over: present)
        let missing = required.filter { values[$0.key] == nil }.map(\.value).sorted()
        guard missing.isEmpty else {
            throw Failure(
                .usage, "the first deployment of stack \(name) needs \(missing.joined(separator: " and "))",
                advice: "add the missing options and run the command again; nothing was changed")
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

/// Callbacks by which a deployment asks for approval and reports progress.
package struct DeploymentCallbacks: Sendable {
    /// Decides whether a plan is executed.
    package var approve: @Sendable (StackPlan) async throws -> Bool
    /// Decides whether a stack whose creation failed is deleted.
    package var approveRemoval: @Sendable (FailedStack) async throws -> Bool
    /// Receives progress as it happens.
    package var tell: @Sendable (StackProgress) -> Void

    package init(
        approve: @escaping @Sendable (StackPlan) async throws -> Bool,
        approveRemoval: @escaping @Sendable (FailedStack) async throws -> Bool,
        tell: @escaping @Sendable (StackProgress) -> Void
    ) {
        self.approve = approve
        self.approveRemoval = approveRemoval
        self.tell = tell
    }
}

extension DeploymentCallbacks {
    /// For read-only access: approves nothing and reports nothing.
    static let silent = DeploymentCallbacks(approve: { _ in false }, approveRemoval: { _ in false }, tell: { _ in })
}

/// A stack whose creation failed.
package struct FailedStack: Sendable, Equatable {
    package var name: String
    package var region: String
    package var status: String
    /// The reasons for the failure, as lines to show.
    package var reasons: [String]
}

/// Progress of a deployment.
package enum StackProgress: Sendable, Equatable {
    /// The step that the deployment is waiting for.
    case step(String)
    /// A stack event of a resource.
    case event(resource: String, type: String, status: String, reason: String?)

    init(_ event: CloudFormation.StackEvent) {
        self = .event(
            resource: event.logicalResourceId ?? "?", type: event.resourceType ?? "?",
            status: event.resourceStatus ?? "?", reason: event.resourceStatusReason)
    }
}

/// The result of a deployment.
package struct Deployment: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case created, updated, unchanged
        /// The plan was not approved; nothing was changed.
        case planned
    }

    package var stack: String
    package var region: String
    package var outcome: Outcome
    package var plan: StackPlan?
    package var outputs: [String: String]
}
