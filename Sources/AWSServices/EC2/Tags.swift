import AWSCore

extension EC2 {
    /// Sets tags; those of other keys stay.
    package struct CreateTags: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var dryRun: Bool?
        /// At most 1,000.
        package var resources: [String]
        package var tags: [Tag]

        package typealias Output = NoOutput

        package init(resources: [String], tags: [Tag]) {
            self.resources = resources
            self.tags = tags
        }

        enum CodingKeys: String, CodingKey {
            case dryRun
            case resources = "resourceId"
            case tags = "tag"
        }
    }
}
