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

        package init(serviceCode: String, quotaCode: String) {
            self.serviceCode = serviceCode
            self.quotaCode = quotaCode
        }

        package struct Output: Sendable, Codable, Equatable {
            package var quota: Quota
        }
    }

    package struct Quota: Sendable, Codable, Equatable {
        package var serviceCode: String?
        package var quotaCode: String?
        package var value: Double
        package var unit: String?
    }
}
