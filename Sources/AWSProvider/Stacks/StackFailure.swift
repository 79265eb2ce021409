import AWSServices

/// The reason why the last change of a stack failed: the resource that failed first, with AWS's message.
///
/// Later failures are mostly consequences: AWS cancels operations in progress, then rolls back.
package struct StackFailure: Sendable, Equatable {
    package var resource: String
    package var type: String
    package var status: String
    package var reason: String
    /// Resources that also failed on their own, or could not be rolled back.
    package var others: [String]

    /// - Parameter events: the stack events, newest first, as AWS lists them.
    /// - Returns: `nil` if no resource failed.
    package init?(_ events: [CloudFormation.StackEvent]) {
        let failed = Self.lastChange(in: events).filter { event in
            event.resourceStatus?.hasSuffix("_FAILED") == true && !event.isOfTheStack && !event.isFollower
        }
        guard let first = failed.first else { return nil }
        resource = first.logicalResourceId ?? "?"
        type = first.resourceType ?? "?"
        status = first.resourceStatus ?? "?"
        reason = first.resourceStatusReason ?? "AWS gives no reason"
        others = failed.dropFirst().map { event in
            "\(event.logicalResourceId ?? "?") \(event.resourceStatus ?? "?"): \(event.resourceStatusReason ?? "-")"
        }
    }

    /// The events of the last change, oldest first.
    static func lastChange(in events: [CloudFormation.StackEvent]) -> [CloudFormation.StackEvent] {
        var change: [CloudFormation.StackEvent] = []
        for event in events {
            change.append(event)
            if event.isOfTheStack, beginnings.contains(event.resourceStatus ?? "") { break }
        }
        return change.reversed()
    }

    private static let beginnings: Set = [
        "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "REVIEW_IN_PROGRESS",
    ]

    /// The failure as lines to show.
    package var lines: [String] {
        ["\(resource) (\(type)) \(status): \(reason)"] + others.map { "also \($0)" }
    }
}

extension CloudFormation.StackEvent {
    var isOfTheStack: Bool { physicalResourceId == stackId || resourceType == "AWS::CloudFormation::Stack" }

    /// Whether the resource was cancelled because another one failed. AWS reports this only in the message.
    var isFollower: Bool {
        ["Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled"]
            .contains { resourceStatusReason?.hasPrefix($0) == true }
    }
}

/// Shell commands for manual steps, to be shown to the user.
enum StackCommands {
    static func look(_ name: String, in region: String) -> String {
        "aws cloudformation describe-stack-events --region \(region) --stack-name \(name)"
    }

    static func remove(_ name: String, in region: String) -> String {
        "aws cloudformation delete-stack --region \(region) --stack-name \(name)"
    }

    static func delete(_ draft: ChangeSetDraft, in region: String) -> String {
        draft.kind == .create
            ? remove(draft.order.name, in: region)
            : "aws cloudformation delete-change-set --region \(region) --stack-name \(draft.order.name) "
                + "--change-set-name \(draft.name)"
    }

    /// How to get a stack out of a status in which it cannot be updated.
    static func unblock(_ name: String, in region: String, status: String) -> String {
        switch status {
        case "UPDATE_ROLLBACK_FAILED":
            "fix the cause above, then run: "
                + "aws cloudformation continue-update-rollback --region \(region) --stack-name \(name)"
        case "DELETE_FAILED": "fix the cause above, then run: \(remove(name, in: region))"
        default: look(name, in: region)
        }
    }
}
