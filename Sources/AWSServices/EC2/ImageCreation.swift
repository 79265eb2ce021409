import AWSCore

extension EC2 {
    /// An image of a machine; comes back at once and is `pending` for minutes.
    package struct CreateImage: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.lookup(taken: ["InvalidAMIName.Duplicate"]) { wanted, client in
            try await client.ownImage(wanted.name, tags: wanted.tagSpecifications) {
                $0.sourceInstanceId == nil || $0.sourceInstanceId == wanted.instanceId
            }
        }
        package static let permissions = ["ec2:CreateImage", "ec2:CreateTags", "ec2:DescribeImages"]

        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var instanceId: String
        /// 3 to 128 characters, one image of a name in each region of an account.
        package var name: String
        package var description: String?
        /// By default a running machine is stopped for the time of the snapshot, so that its disk is whole.
        package var noReboot: Bool?

        package typealias Output = NewImage

        package init(
            instanceId: String, name: String, description: String? = nil, tagSpecifications: [TagSpecification] = []
        ) {
            self.instanceId = instanceId
            self.name = name
            self.description = description
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case tagSpecifications = "tagSpecification"
            case dryRun, instanceId, name, description, noReboot
        }
    }

    /// An image of disks that are there as snapshots.
    package struct RegisterImage: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.lookup(taken: ["InvalidAMIName.Duplicate"]) { wanted, client in
            try await client.ownImage(wanted.name, tags: wanted.tagSpecifications) { found in
                let snapshots = { (disks: [BlockDeviceMapping]) in Set(disks.compactMap(\.ebs?.snapshotId)) }
                return snapshots(found.blockDeviceMappings) == snapshots(wanted.blockDeviceMappings)
            }
        }
        package static let permissions = ["ec2:RegisterImage", "ec2:CreateTags", "ec2:DescribeImages"]

        /// `uefi-preferred` boots either way.
        package var bootMode: String?
        /// `v2.0`: machines give their metadata only by version 2.
        package var imdsSupport: String?
        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var name: String
        package var description: String?
        /// `x86_64` or `arm64`; `i386` where nothing is said.
        package var architecture: String?
        package var rootDeviceName: String?
        package var blockDeviceMappings: [BlockDeviceMapping]
        /// `hvm`; `paravirtual` where nothing is said.
        package var virtualizationType: String?
        package var enaSupport: Bool?

        package typealias Output = NewImage

        package init(
            name: String, architecture: String, rootDeviceName: String, blockDeviceMappings: [BlockDeviceMapping],
            tagSpecifications: [TagSpecification] = []
        ) {
            self.name = name
            self.architecture = architecture
            self.rootDeviceName = rootDeviceName
            self.blockDeviceMappings = blockDeviceMappings
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case bootMode, imdsSupport
            case tagSpecifications = "tagSpecification"
            case dryRun, name, description, architecture, rootDeviceName
            case blockDeviceMappings = "blockDeviceMapping"
            case virtualizationType, enaSupport
        }
    }

    /// Copies an image from another region into the one that is called.
    package struct CopyImage: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.token(\.clientToken)
        package static let permissions = ["ec2:CopyImage", "ec2:CreateTags"]

        package var clientToken: String?
        package var description: String?
        package var name: String
        package var sourceImageId: String
        package var sourceRegion: String
        /// Takes the image's own tags along; those of its snapshots stay behind.
        package var copyImageTags: Bool?
        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?

        package typealias Output = NewImage

        package init(
            name: String, sourceImageId: String, sourceRegion: String, tagSpecifications: [TagSpecification] = []
        ) {
            self.name = name
            self.sourceImageId = sourceImageId
            self.sourceRegion = sourceRegion
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case clientToken, description, name, sourceImageId, sourceRegion, copyImageTags
            case tagSpecifications = "tagSpecification"
            case dryRun
        }
    }

    package struct NewImage: Sendable, Codable, Equatable {
        package var imageId: String
    }
}

extension AWSClient {
    /// The account's own image of that name, provided that it carries the tags and is made of the same.
    fileprivate func ownImage(
        _ name: String, tags: [EC2.TagSpecification], where isSame: (EC2.Image) -> Bool
    ) async throws -> EC2.NewImage? {
        let search = EC2.DescribeImages(owners: ["self"], filters: [.init(name: "name", values: [name])])
        return try await call(search).images
            .first {
                $0.name == name && ["pending", "available"].contains($0.state) && isSame($0)
                    && tags.tags(of: "image").isSubset(of: $0.tags)
            }
            .map { EC2.NewImage(imageId: $0.imageId) }
    }
}
