import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Synchronization

/// The place on AWS where one asset id is built, with its names and tags. Every stage of the build needs it.
package struct AWSWorkspace: Sendable {
    /// Client for the region of the build.
    package let client: AWSClient
    package let assetID: AssetID
    package let names: SandboxDefinition.Names
    package let polling: PollingPolicy
    /// The wall clock, for dates that are recorded.
    package let now: @Sendable () -> Date
    /// The time after which anyone may remove the resources that only the build needs.
    package let expires: Date

    package init(
        _ client: AWSClient, _ assetID: AssetID, names: SandboxDefinition.Names,
        polling: PollingPolicy = PollingPolicy(),
        lifetime: Duration = .seconds(24 * 3600), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.client = client
        self.assetID = assetID
        self.names = names
        self.polling = polling
        self.now = now
        expires = now().addingTimeInterval(Double(lifetime.components.seconds))
    }

    package var region: String { client.region }

    // Names

    /// Name of the stack of the build machine, and of its key pair.
    package var stackName: String { filled(names.stack, assetID.dashed) }
    package var imageName: String { filled(names.ami, assetID.rawValue) }
    /// Key prefix of the folder of its images in the bucket, with a slash at the end.
    package var keyPrefix: String { assetID.folder(under: names.bucketPrefix) }

    private func filled(_ template: String, _ id: String) -> String { template.replacing("<asset-id>", with: id) }

    // Tags

    /// Tags of the resources that stay: image and snapshot.
    package var tags: [EC2.Tag] {
        [
            EC2.Tag(key: names.tagKey, value: assetID.rawValue), EC2.Tag(key: "Name", value: imageName),
            EC2.Tag(key: "created-by", value: "dss"),
        ]
    }

    /// Tags of the resources that are removed after the build: machine, key pair and stack.
    package var passingTags: [EC2.Tag] {
        tags + [EC2.Tag(key: AssetRules.expiryTag, value: expires.formatted(.iso8601))]
    }

    /// Tags for the call that creates a resource.
    /// - Parameter kinds: resource types such as `image`, `snapshot`, `key-pair`, `export-image-task`.
    package func specifications(_ kinds: String..., tags: [EC2.Tag]) -> [EC2.TagSpecification] {
        kinds.map { EC2.TagSpecification(resourceType: $0, tags: tags) }
    }

    /// Whether a resource with these tags belongs to this asset id.
    func owns(_ tags: [EC2.Tag]) -> Bool {
        tags.contains { $0.key == names.tagKey && $0.value == assetID.rawValue }
    }

    /// Filter for the resources of this asset id, by their tag.
    var tagFilter: EC2.Filter { .init(name: "tag:\(names.tagKey)", values: [assetID.rawValue]) }

    /// The command that removes all resources of the build, in case its cleanup fails.
    package var remedy: String { "dss delete-aws-assets --region \(region) --asset-id '\(assetID)'" }
}

/// Marks a resource that is registered for undo as a product of the build, which stays whatever happens later.
package final class Retention: Sendable {
    private let decided = Mutex(false)

    package init() {}

    package var isDecided: Bool { decided.withLock { $0 } }

    package func decide() { decided.withLock { $0 = true } }
}
