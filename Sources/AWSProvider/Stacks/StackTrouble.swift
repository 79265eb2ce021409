import AWSServices

/// Why the last change of a stack failed: the resource that failed first, and AWS's reason.
///
/// What fails after it is a consequence: AWS cancels what is under way, then takes back what was made.
package struct StackTrouble: Sendable, Equatable {
    package var resource: String
    package var type: String
    package var status: String
    package var reason: String
    /// What failed besides it on its own account, or could not be taken back.
    package var others: [String]

    /// - Parameter events: the newest first, as AWS lists them.
    /// - Returns: `nil` where no resource failed.
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

    /// The events since the change began, in order.
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

    /// Lines for people.
    package var lines: [String] {
        ["\(resource) (\(type)) \(status): \(reason)"] + others.map { "also \($0)" }
    }
}

extension CloudFormation.StackEvent {
    var isOfTheStack: Bool { physicalResourceId == stackId || resourceType == "AWS::CloudFormation::Stack" }

    /// It failed because something else did. AWS tells this in words only.
    var isFollower: Bool {
        ["Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled"]
            .contains { resourceStatusReason?.hasPrefix($0) == true }
    }
}

/// Lines to copy and paste, for what is done by hand.
enum StackAdvice {
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

    /// What gets a stack out of a status in which it cannot be changed.
    static func unblock(_ name: String, in region: String, status: String) -> String {
        switch status {
        case "UPDATE_ROLLBACK_FAILED":
            "mend what the reason names, then: "
                + "aws cloudformation continue-update-rollback --region \(region) --stack-name \(name)"
        case "DELETE_FAILED": "mend what the reason names, then: \(remove(name, in: region))"
        default: look(name, in: region)
        }
    }
}
