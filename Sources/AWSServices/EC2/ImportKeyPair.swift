import AWSCore
import FoundationEssentials

extension EC2 {
    /// Makes a public key known to AWS; the private one never leaves the machine.
    package struct ImportKeyPair: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.lookup(taken: ["InvalidKeyPair.Duplicate"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["ec2:ImportKeyPair", "ec2:CreateTags", "ec2:DescribeKeyPairs"]

        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var keyName: String
        /// A line as in `authorized_keys`.
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

        /// The key of that name, provided that it is ours: the same tags and, where AWS shows it, the same key.
        private func find(with client: AWSClient) async throws -> Output? {
            var search = DescribeKeyPairs(filters: [Filter(name: "key-name", values: [keyName])])
            search.includePublicKey = true
            let wanted = tagSpecifications.tags(of: "key-pair")
            return try await client.call(search).keyPairs
                .first { $0.keyName == keyName && Set($0.tags) == wanted && isOurs($0.publicKey) }
                .map { Output(keyPairId: $0.keyPairId, keyName: $0.keyName, keyFingerprint: $0.keyFingerprint) }
        }

        /// Compares the key itself, since AWS puts a comment of its own behind it.
        private func isOurs(_ publicKey: String?) -> Bool {
            guard let publicKey else { return true }
            let key = { (line: String) in line.split(whereSeparator: \.isWhitespace).prefix(2) }
            return key(publicKey) == key(String(decoding: publicKeyMaterial, as: UTF8.self))
        }
    }
}
