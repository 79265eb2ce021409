/// A call that failed permanently, after all attempts: the operation, the service's error, and what to do about it.
package struct AWSError: Error, Sendable, Equatable {
    /// The kind of failure, as far as callers and exit codes distinguish it.
    package enum Kind: String, Sendable {
        /// AWS rejected the request: it is invalid, or the resource does not exist.
        case refused
        /// The identity lacks permission.
        case denied
        /// The credentials are missing, invalid, or expired and could not be renewed.
        case credentials
        /// An account quota is exhausted.
        case quota
        /// Throttling or a failure on the AWS side that persisted through all attempts.
        case temporary
        /// No connection, or no complete response, in any attempt.
        case unreachable
        /// A response that does not come from AWS.
        case unexpectedAnswer
    }

    package var service: String
    package var operation: String
    package var region: String
    package var kind: Kind
    /// The AWS error code, or one of our own if the response did not come from AWS.
    package var code: String
    package var message: String
    package var requestID: String?
    package var status: Int?
    package var attempts: Int
    /// The operation may have taken effect despite the failure, and retrying it to find out was not safe.
    package var mayHaveTakenEffect: Bool
    /// The next step for the user.
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
    /// Advice for the failures that users encounter.
    static func advice(_ error: AWSError, permissions: [String]) -> String? {
        switch error.kind {
        case .denied: deniedAdvice(error, permissions)
        case .credentials: credentialsAdvice(error)
        case .quota: quotaAdvice(error)
        case .temporary: "AWS did not recover within \(error.attempts) attempts; run the same command again later"
        case .unreachable where error.code == "NotConnected":
            "check the network, the proxy and the region '\(error.region)'"
        case .unreachable: "check the network and run the same command again"
        case .unexpectedAnswer:
            "the response does not come from AWS; check for a proxy or the login page of a network"
        case .refused:
            // S3's wording for a bucket in another region.
            error.message.firstMatch(of: /expecting '([a-z0-9-]+)'/).map {
                "the bucket is in \($0.1): add --region \($0.1)"
            }
        }
    }

    private static func deniedAdvice(_ error: AWSError, _ permissions: [String]) -> String {
        let denied = error.message.firstMatch(of: /not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9]+)/)
        let missing = denied.map { String($0.1) } ?? permissions.joined(separator: " and ")
        let policy = error.message.contains("explicit deny") ? "; a policy denies it explicitly" : ""
        return "the identity needs the permission \(missing)\(policy); 'dss whoami' shows the identity"
    }

    private static func credentialsAdvice(_ error: AWSError) -> String {
        if FailureClass.expired.contains(error.code) {
            return "the credentials have expired; log in and run the same command again"
        }
        if error.code == "RequestTimeTooSkewed" || error.code == "RequestInTheFuture" {
            return "correct the clock of this host"
        }
        return "the access key or its secret is wrong or revoked; 'dss whoami' shows its origin"
    }

    private static func quotaAdvice(_ error: AWSError) -> String {
        guard let quota = quotas.first(where: { $0.service == error.service && $0.codes.contains(error.code) }) else {
            return "raise the quota named in the message, in the Service Quotas console of \(error.region)"
        }
        return "raise the quota '\(quota.name)': aws service-quotas request-service-quota-increase "
            + "--service-code \(quota.serviceCode) --quota-code \(quota.quotaCode) --region \(error.region) "
            + "--desired-value …"
    }

    /// Source: the lists of default quotas in the AWS General Reference.
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

/// A service's error response.
package struct ServiceError: Error, Sendable, Equatable {
    package var status: Int
    /// The error code without namespace: `AccessDenied`.
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

/// A response with a success status, but without the expected document: a proxy's page, or a truncated response.
package struct UnexpectedResponse: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
