import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Synchronization

/// Where on AWS one asset id is built, and under which names and tags: what every stage of it needs.
package struct AWSWorkspace: Sendable {
    /// Of the region of the build.
    package let client: AWSClient
    package let assetID: AssetID
    package let names: SandboxDefinition.Names
    package let polling: PollingPolicy
    /// The wall clock, for dates that are written down.
    package let now: @Sendable () -> Date
    /// When what only the build needs may be removed by everybody.
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

    /// Of the stack of the build machine, and of its key pair.
    package var stackName: String { filled(names.stack, assetID.dashed) }
    package var imageName: String { filled(names.ami, assetID.rawValue) }
    /// Of the folder of its images in the bucket, with a slash at the end.
    package var keyPrefix: String { assetID.folder(under: names.bucketPrefix) }

    private func filled(_ template: String, _ id: String) -> String { template.replacing("<asset-id>", with: id) }

    // Tags

    /// Of what stays: image, snapshot.
    package var tags: [EC2.Tag] {
        [
            EC2.Tag(key: names.tagKey, value: assetID.rawValue), EC2.Tag(key: "Name", value: imageName),
            EC2.Tag(key: "created-by", value: "dss"),
        ]
    }

    /// Of what goes with the build: machine, key pair, stack.
    package var passingTags: [EC2.Tag] {
        tags + [EC2.Tag(key: AssetRules.expiryTag, value: expires.formatted(.iso8601))]
    }

    /// Tags for the creating call.
    /// - Parameter kinds: such as `image`, `snapshot`, `key-pair`, `export-image-task`.
    package func specifications(_ kinds: String..., tags: [EC2.Tag]) -> [EC2.TagSpecification] {
        kinds.map { EC2.TagSpecification(resourceType: $0, tags: tags) }
    }

    /// Whether something with these tags is of this asset id.
    func owns(_ tags: [EC2.Tag]) -> Bool {
        tags.contains { $0.key == names.tagKey && $0.value == assetID.rawValue }
    }

    /// Things of this asset id, by their tag.
    var tagFilter: EC2.Filter { .init(name: "tag:\(names.tagKey)", values: [assetID.rawValue]) }

    /// The command that removes everything of the build, for an undo that fails.
    package var remedy: String { "dss delete-aws-assets --region \(region) --asset-id '\(assetID)'" }
}

/// Says of something that is registered for undo that it has become a product: it stays, whatever comes later.
package final class Retention: Sendable {
    private let decided = Mutex(false)

    package init() {}

    package var isDecided: Bool { decided.withLock { $0 } }

    package func decide() { decided.withLock { $0 = true } }
}
