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
