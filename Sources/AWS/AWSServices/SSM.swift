import AWSCore

/// AWS Systems Manager, whose public parameters name the latest Ubuntu images.
package enum SSM {
    package static let service = Service(
        id: "SSM", signingName: "ssm", version: "2014-11-06", targetPrefix: "AmazonSSM")

    package struct GetParameter: JSONOperation {
        package static let service = SSM.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var name: String
        /// Without decryption, a `SecureString` is returned encrypted, as stored.
        package var withDecryption: Bool?

        package struct Output: Sendable, Codable, Equatable {
            package var parameter: Parameter
        }

        package init(name: String, withDecryption: Bool? = nil) {
            self.name = name
            self.withDecryption = withDecryption
        }
    }

    package struct Parameter: Sendable, Codable, Equatable {
        package var name: String
        /// `String`, `StringList` or `SecureString`.
        package var type: String
        package var value: String
        package var version: Int
    }
}

extension SSM.Parameter: Redacted {
    package var shown: KeyValuePairs<String, Any> {
        type == "SecureString"
            ? ["name": name, "type": type, "version": version]
            : ["name": name, "type": type, "value": value, "version": version]
    }
}
