import AWSCore

extension EC2 {
    /// Whether the account lets images of this region be shared with everybody.
    package struct GetImageBlockPublicAccessState: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var dryRun: Bool?

        package init() {}

        package struct Output: Sendable, Codable, Equatable {
            /// `block-new-sharing` or `unblocked`.
            package var imageBlockPublicAccessState: String?
            /// `account` or `declarative-policy`.
            package var managedBy: String?
        }
    }

    /// The same for snapshots.
    package struct GetSnapshotBlockPublicAccessState: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var dryRun: Bool?

        package init() {}

        package struct Output: Sendable, Codable, Equatable {
            /// `block-all-sharing`, `block-new-sharing` or `unblocked`.
            package var state: String?
            package var managedBy: String?
        }
    }
}
