/// A call that failed for good, after all attempts: who said what of which operation, and what to do about it.
package struct AWSError: Error, Sendable, Equatable {
    /// What kind of failure it is, as far as callers and exit codes tell them apart.
    package enum Kind: String, Sendable {
        /// AWS refused: the request itself is wrong, or the thing is not there.
        case refused
        /// The identity may not do it.
        case denied
        /// No credentials, or ones that have expired and could not be renewed.
        case credentials
        /// A quota of the account is used up.
        case quota
        /// Throttled, or a failure on AWS's side that lasted over all attempts.
        case temporary
        /// No connection, or no complete answer, over all attempts.
        case unreachable
        /// An answer that is not AWS's.
        case unexpectedAnswer
    }

    package var service: String
    package var operation: String
    package var region: String
    package var kind: Kind
    /// AWS's name of the error, or ours where the answer was none of AWS's.
    package var code: String
    package var message: String
    package var requestID: String?
    package var status: Int?
    package var attempts: Int
    /// The operation may have been done all the same, and it was not safe to find out by sending it again.
    package var mayHaveTakenEffect: Bool
    /// What to do next.
    package var advice: String?

    package init(
        service: String, operation: String, region: String, kind: Kind, code: String, message: String,
        requestID: String? = nil, status: Int? = nil, attempts: Int = 1, mayHaveTakenEffect: Bool = false,
        advice: String? = nil
    ) {
        self.service = service
        self.operation = operation
        self.region = region
        self.kind = kind
        self.code = code
        self.message = message
        self.requestID = requestID
        self.status = status
        self.attempts = attempts
        self.mayHaveTakenEffect = mayHaveTakenEffect
        self.advice = advice
    }
}

extension AWSError: CustomStringConvertible {
    package var description: String {
        let request = requestID.map { ", request \($0)" } ?? ""
        let tries = attempts > 1 ? ", \(attempts) attempts" : ""
        return "\(service) \(operation) failed with \(code): \(message) (\(region)\(request)\(tries))"
    }
}

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

/// What a service says of a request that it refused.
package struct ServiceError: Error, Sendable, Equatable {
    package var status: Int
    /// AWS's name for it, without namespace: `AccessDenied`.
    package var code: String
    package var message: String
    package var requestID: String?

    package init(status: Int, code: String, message: String, requestID: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.requestID = requestID
    }
}

/// A successful status with something else than the expected document: a proxy's page, half an answer.
package struct UnexpectedAnswer: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
