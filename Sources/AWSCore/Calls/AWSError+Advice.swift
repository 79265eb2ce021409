extension AWSError {
    /// What to do about the failures that people meet.
    static func advice(_ error: AWSError, permissions: [String]) -> String? {
        switch error.kind {
        case .denied: deniedAdvice(error, permissions)
        case .credentials: credentialsAdvice(error)
        case .quota: quotaAdvice(error)
        case .temporary: "AWS did not recover within \(error.attempts) attempts; run the same command again later"
        case .unreachable where error.code == "NotConnected":
            "check the network, the proxy, and whether '\(error.region)' is the region you mean"
        case .unreachable: "check the network and run the same command again"
        case .unexpectedAnswer:
            "something between this machine and AWS seems to have answered: a proxy, or the login page of a network"
        case .refused:
            // S3's word for a bucket that is elsewhere.
            error.message.firstMatch(of: /expecting '([a-z0-9-]+)'/).map {
                "the bucket is in \($0.1): add --region \($0.1)"
            }
        }
    }

    private static func deniedAdvice(_ error: AWSError, _ permissions: [String]) -> String {
        let denied = error.message.firstMatch(of: /not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9]+)/)
        let missing = denied.map { String($0.1) } ?? permissions.joined(separator: " and ")
        let policy = error.message.contains("explicit deny") ? "; a policy denies it explicitly" : ""
        return "the identity needs the permission \(missing)\(policy); 'dss whoami' tells which identity it is"
    }

    private static func credentialsAdvice(_ error: AWSError) -> String {
        if Verdict.expired.contains(error.code) {
            return "the credentials have expired: log in again, then run the same command again"
        }
        if error.code == "RequestTimeTooSkewed" || error.code == "RequestInTheFuture" {
            return "set this machine's clock"
        }
        return "the access key or its secret is wrong or was revoked; 'dss whoami' tells where it came from"
    }

    private static func quotaAdvice(_ error: AWSError) -> String {
        guard let quota = quotas.first(where: { $0.service == error.service && $0.codes.contains(error.code) }) else {
            return "raise the quota that the message names in the Service Quotas console of \(error.region)"
        }
        return "raise the quota '\(quota.name)': aws service-quotas request-service-quota-increase "
            + "--service-code \(quota.serviceCode) --quota-code \(quota.quotaCode) --region \(error.region) "
            + "--desired-value …"
    }

    /// Source: the lists of default quotas in AWS General Reference.
    private static let quotas:
        [(service: String, codes: [String], name: String, serviceCode: String, quotaCode: String)] = [
            (
                "EC2", ["VcpuLimitExceeded", "InstanceLimitExceeded"],
                "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "ec2", "L-1216C47A"
            ),
            ("EC2", ["SnapshotLimitExceeded"], "Snapshots per Region", "ebs", "L-309BACF6"),
            ("EBS", ["ServiceQuotaExceededException"], "Snapshots per Region", "ebs", "L-309BACF6"),
            ("S3", ["TooManyBuckets"], "General purpose buckets", "s3", "L-DC2B2D3D"),
            (
                "CloudFormation", ["LimitExceededException", "LimitExceeded"], "Stack count", "cloudformation",
                "L-0485CB21"
            ),
        ]
}
