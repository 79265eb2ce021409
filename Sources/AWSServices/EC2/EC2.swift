import AWSCore

/// Elastic Compute Cloud: machines, their images and disks.
package enum EC2 {
    package static let service = Service(id: "EC2", signingName: "ec2", version: "2016-11-15")

    /// Narrows a list on AWS's side; values may have `*` and `?` in them.
    package struct Filter: Sendable, Codable, Equatable {
        package var name: String
        package var values: [String]

        package init(name: String, values: [String]) {
            self.name = name
            self.values = values
        }

        enum CodingKeys: String, CodingKey {
            case name
            case values = "value"
        }
    }

    package struct Tag: Sendable, Codable, Equatable, Hashable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Tags that what is created carries from its first moment, so that nothing can be left without.
    package struct TagSpecification: Sendable, Codable, Equatable {
        /// `image`, `snapshot`, `key-pair`, `export-image-task`.
        package var resourceType: String
        package var tags: [Tag]

        package init(resourceType: String, tags: [Tag]) {
            self.resourceType = resourceType
            self.tags = tags
        }

        enum CodingKeys: String, CodingKey {
            case resourceType
            case tags = "tag"
        }
    }

    /// A disk of a machine that is started from an image.
    package struct BlockDeviceMapping: Sendable, Codable, Equatable {
        package var deviceName: String?
        package var ebs: EbsBlockDevice?

        package init(deviceName: String, ebs: EbsBlockDevice) {
            self.deviceName = deviceName
            self.ebs = ebs
        }
    }

    package struct EbsBlockDevice: Sendable, Codable, Equatable {
        package var deleteOnTermination: Bool?
        package var snapshotId: String?
        /// GiB.
        package var volumeSize: Int?
        package var volumeType: String?
        package var encrypted: Bool?

        package init(
            snapshotId: String? = nil, volumeSize: Int? = nil, volumeType: String? = nil,
            deleteOnTermination: Bool? = nil
        ) {
            self.snapshotId = snapshotId
            self.volumeSize = volumeSize
            self.volumeType = volumeType
            self.deleteOnTermination = deleteOnTermination
        }
    }

    /// Why something is in the state it is in.
    package struct StateReason: Sendable, Codable, Equatable {
        package var code: String?
        package var message: String?
    }

    /// Who may use an image or a snapshot: an account, or the group `all`.
    package struct Permission: Sendable, Codable, Equatable {
        package var userId: String?
        package var group: String?

        package init(userId: String) { self.userId = userId }
        package init(group: String) { self.group = group }
    }

    package struct PermissionChange: Sendable, Codable, Equatable {
        package var add: [Permission]
        package var remove: [Permission]

        package init(add: [Permission] = [], remove: [Permission] = []) {
            self.add = add
            self.remove = remove
        }
    }
}

extension [EC2.TagSpecification] {
    /// The tags for one type of resource.
    func tags(of resourceType: String) -> Set<EC2.Tag> {
        Set(filter { $0.resourceType == resourceType }.flatMap(\.tags))
    }
}
