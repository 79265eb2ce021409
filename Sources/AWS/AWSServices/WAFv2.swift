import AWSCore

/// AWS WAF. Web ACLs for CloudFront are always in us-east-1.
package enum WAFv2 {
    package static let service = Service(
        id: "WAFV2", signingName: "wafv2", version: "2019-07-29", targetPrefix: "AWSWAF_20190729")

    package struct GetWebACL: JSONOperation {
        package static let service = WAFv2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var name: String?
        /// `CLOUDFRONT`, which requires us-east-1, or `REGIONAL`.
        package var scope: String?
        package var id: String?

        package init(name: String, scope: String, id: String) {
            self.name = name
            self.scope = scope
            self.id = id
        }

        package struct Output: Sendable, Codable, Equatable {
            package var webACL: WebACL
        }
    }

    package struct WebACL: Sendable, Codable, Equatable {
        package var name: String
        package var id: String
        package var arn: String
        package var description: String?
        package var rules: [Rule]?

        enum CodingKeys: String, CodingKey {
            case name, id
            case arn = "aRN"
            case description, rules
        }
    }

    package struct Rule: Sendable, Codable, Equatable {
        package var name: String
        /// Rules are evaluated in ascending order of priority.
        package var priority: Int
    }
}
