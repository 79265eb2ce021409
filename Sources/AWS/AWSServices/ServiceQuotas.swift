import AWSCore

/// Service Quotas, checked in advance so that a build does not hit a limit hours later.
package enum ServiceQuotas {
    package static let service = Service(
        id: "Service Quotas", signingName: "servicequotas", version: "2019-06-24",
        targetPrefix: "ServiceQuotasV20190624")

    /// Returns the quota applied to the account. For some services, a quota that was never changed is a
    /// `NoSuchResourceException`, and the default applies.
    package struct GetServiceQuota: JSONOperation {
        package static let service = ServiceQuotas.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var serviceCode: String
        package var quotaCode: String

        package typealias Output = OneQuota

        package init(serviceCode: String, quotaCode: String) {
            self.serviceCode = serviceCode
            self.quotaCode = quotaCode
        }
    }

    /// Returns the default quota of new accounts.
    package struct GetAWSDefaultServiceQuota: JSONOperation {
        package static let service = ServiceQuotas.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var serviceCode: String
        package var quotaCode: String

        package typealias Output = OneQuota

        package init(serviceCode: String, quotaCode: String) {
            self.serviceCode = serviceCode
            self.quotaCode = quotaCode
        }
    }

    package struct ListServiceQuotas: JSONOperation, PagedOperation {
        package static let service = ServiceQuotas.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var serviceCode: String
        package var nextToken: String?
        /// At most 100 quotas per page.
        package var maxResults: Int?

        package init(serviceCode: String) {
            self.serviceCode = serviceCode
        }

        package struct Output: Sendable, Codable, Equatable {
            package var quotas: [Quota]?
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [Quota] { page.quotas ?? [] }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct OneQuota: Sendable, Codable, Equatable {
        package var quota: Quota
    }

    package struct Quota: Sendable, Codable, Equatable {
        package var serviceCode: String?
        package var quotaCode: String?
        package var quotaName: String?
        package var value: Double
        package var unit: String?
        /// Whether the quota can be increased on request.
        package var adjustable: Bool?
    }
}
