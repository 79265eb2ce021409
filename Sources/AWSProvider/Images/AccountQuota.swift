import AWSCore
import AWSServices
import Sandbox

/// How many of something an account may have in a region.
struct AccountQuota: Sendable {
    var serviceCode: String
    var code: String
    var name: String

    // Source: the list of `aws service-quotas list-service-quotas --service-code ec2`.
    static let images = AccountQuota(serviceCode: "ec2", code: "L-B665C33B", name: "AMIs")
    static let publicImages = AccountQuota(serviceCode: "ec2", code: "L-0E3CBAB9", name: "Public AMIs")

    /// - Throws: `Failure` where not one more fits. An identity that may not read quotas learns it from AWS later.
    func check(used: Int, _ client: AWSClient) async throws {
        guard let quota = try await value(client), used >= quota else { return }
        throw Failure(
            .temporary, "the quota '\(name)' is used up in \(client.region): \(used) of \(quota)",
            advice: raising(to: quota * 2, in: client.region))
    }

    func raising(to value: Int, in region: String) -> String {
        "raise it: aws service-quotas request-service-quota-increase --service-code \(serviceCode) "
            + "--quota-code \(code) --region \(region) --desired-value \(value)"
    }

    /// - Returns: `nil` where the identity may not read it, or AWS does not tell.
    func value(_ client: AWSClient) async throws -> Int? {
        do {
            let quota = try await client.call(ServiceQuotas.GetServiceQuota(serviceCode: serviceCode, quotaCode: code))
            return Int(quota.quota.value)
        } catch let error as AWSError where error.kind == .denied || error.code == "NoSuchResourceException" {
            return nil
        }
    }
}
