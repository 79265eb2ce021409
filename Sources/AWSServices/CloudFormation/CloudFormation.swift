import AWSCore

/// CloudFormation: stacks, changed by change sets that can be shown before they change anything.
package enum CloudFormation {
    package static let service = Service(
        id: "CloudFormation", signingName: "cloudformation", version: "2010-05-15", concurrency: 4)

    package struct Tag: Sendable, Codable, Equatable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package struct Parameter: Sendable, Codable, Equatable {
        package var parameterKey: String
        package var parameterValue: String?
        /// Keeps what the stack has; then there is no value.
        package var usePreviousValue: Bool?

        package init(parameterKey: String, parameterValue: String? = nil, usePreviousValue: Bool? = nil) {
            self.parameterKey = parameterKey
            self.parameterValue = parameterValue
            self.usePreviousValue = usePreviousValue
        }
    }
}
