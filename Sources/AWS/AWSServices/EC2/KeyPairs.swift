import AWSCore
import FoundationEssentials

extension EC2 {
    package struct DescribeKeyPairs: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var keyNames: [String] = []
        package var includePublicKey: Bool?
        package var filters: [Filter]

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case keyNames = "keyName"
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
        /// In the format of `authorized_keys`; present only if requested.
        package var publicKey: String?
        package var createTime: Date?
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case keyPairId, keyName, keyType, keyFingerprint, publicKey, createTime
            case tags = "tagSet"
        }
    }

    /// Deletes a key pair by name or ID; succeeds if it does not exist.
    package struct DeleteKeyPair: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.removal(gone: ["InvalidKeyPair.NotFound"], NoOutput())

        package var keyName: String?
        package var keyPairId: String?
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(keyName: String) { self.keyName = keyName }
        package init(keyPairId: String) { self.keyPairId = keyPairId }
    }
}

extension EC2 {
    /// Registers a public key with AWS; the private key never leaves this host.
    package struct ImportKeyPair: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["InvalidKeyPair.Duplicate"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["ec2:ImportKeyPair", "ec2:CreateTags", "ec2:DescribeKeyPairs"]

        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var keyName: String
        /// A line in the format of `authorized_keys`.
        package var publicKeyMaterial: Data

        package init(keyName: String, publicKeyMaterial: Data, tagSpecifications: [TagSpecification] = []) {
            self.keyName = keyName
            self.publicKeyMaterial = publicKeyMaterial
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case tagSpecifications = "tagSpecification"
            case dryRun, keyName, publicKeyMaterial
        }

        package struct Output: Sendable, Codable, Equatable {
            package var keyPairId: String
            package var keyName: String
            package var keyFingerprint: String?
        }

        /// The key with that name, provided that it is ours: the same tags and, if AWS returns it, the same public key.
        private func find(with client: AWSClient) async throws -> Output? {
            var search = DescribeKeyPairs(filters: [Filter(name: "key-name", values: [keyName])])
            search.includePublicKey = true
            let wanted = tagSpecifications.tags(of: "key-pair")
            return try await client.call(search).keyPairs
                .first { $0.keyName == keyName && Set($0.tags) == wanted && isOurs($0.publicKey) }
                .map { Output(keyPairId: $0.keyPairId, keyName: $0.keyName, keyFingerprint: $0.keyFingerprint) }
        }

        /// Compares only the key itself, since AWS appends its own comment.
        private func isOurs(_ publicKey: String?) -> Bool {
            guard let publicKey else { return true }
            let key = { (line: String) in line.split(whereSeparator: \.isWhitespace).prefix(2) }
            return key(publicKey) == key(String(decoding: publicKeyMaterial, as: UTF8.self))
        }
    }
}
