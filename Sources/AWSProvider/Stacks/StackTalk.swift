import AWSServices

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
