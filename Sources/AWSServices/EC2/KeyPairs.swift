import AWSCore
import FoundationEssentials

extension EC2 {
    /// A key pair made by AWS. The private key comes in this answer and never again, so that a lost answer makes the
    /// pair worthless.
    package struct CreateKeyPair: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.never
        package static let permissions = ["ec2:CreateKeyPair", "ec2:CreateTags"]

        package var keyName: String
        /// `ed25519`, or `rsa`, which is the default.
        package var keyType: String?
        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?

        package init(keyName: String, keyType: String? = nil, tagSpecifications: [TagSpecification] = []) {
            self.keyName = keyName
            self.keyType = keyType
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case keyName, keyType
            case tagSpecifications = "tagSpecification"
            case dryRun
        }

        package struct Output: Sendable, Codable, Equatable {
            package var keyPairId: String
            package var keyName: String
            package var keyFingerprint: String?
            /// The private key in PEM.
            package var keyMaterial: String
        }
    }

    package struct DescribeKeyPairs: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var keyNames: [String] = []
        package var keyPairIds: [String] = []
        package var includePublicKey: Bool?
        package var filters: [Filter]

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case keyNames = "keyName"
            case keyPairIds = "keyPairId"
            case includePublicKey
            case filters = "filter"
        }

        package struct Output: Sendable, Codable, Equatable {
            package var keyPairs: [KeyPair]

            enum CodingKeys: String, CodingKey {
                case keyPairs = "keySet"
            }
        }
    }

    package struct KeyPair: Sendable, Codable, Equatable {
        package var keyPairId: String
        package var keyName: String
        package var keyType: String?
        package var keyFingerprint: String?
        /// As in `authorized_keys`; only where it was asked for.
        package var publicKey: String?
        package var createTime: Date?
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case keyPairId, keyName, keyType, keyFingerprint, publicKey, createTime
            case tags = "tagSet"
        }
    }

    /// By name or by id; succeeds where there is none.
    package struct DeleteKeyPair: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.removal(gone: ["InvalidKeyPair.NotFound"], NoOutput())

        package var keyName: String?
        package var keyPairId: String?
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(keyName: String) { self.keyName = keyName }
        package init(keyPairId: String) { self.keyPairId = keyPairId }
    }
}

extension EC2.CreateKeyPair.Output: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["keyPairId": keyPairId, "keyName": keyName] }
}
