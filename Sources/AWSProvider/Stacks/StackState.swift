/// What can be done with a stack, by its status.
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
package enum StackState: Sendable, Equatable {
    /// It is not there.
    case absent
    /// A first change set was made and never executed: there is nothing in it.
    case draft
    /// It can be changed.
    case steady
    /// Somebody is changing it at this moment.
    case busy
    /// Its creation failed. It holds nothing of use and blocks its name until it is removed.
    case stillborn
    /// It can neither be changed nor be thrown away without a second thought.
    case stuck

    package init(status: String?) {
        self =
            switch status {
            case nil, "DELETE_COMPLETE": .absent
            case "REVIEW_IN_PROGRESS": .draft
            case "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED": .stillborn
            case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
                "IMPORT_ROLLBACK_COMPLETE":
                .steady
            case let status? where status.hasSuffix("_IN_PROGRESS"): .busy
            default: .stuck
            }
    }

    /// The change came to a good end: what was ordered is there.
    static func isSuccess(_ status: String) -> Bool { ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(status) }
}
