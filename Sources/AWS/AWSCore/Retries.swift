/// How often a failed call is retried, and after what pause. Pauses have full jitter, so that calls that failed
/// together are not retried together.
/// Source: <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>
package struct Backoff: Sendable, Equatable {
    package var attempts: Int
    /// Upper bound of the first pause; it doubles with each retry.
    package var first: Duration
    package var firstWhenThrottled: Duration
    package var longest: Duration

    package init(
        attempts: Int = 8, first: Duration = .milliseconds(500), firstWhenThrottled: Duration = .seconds(1),
        longest: Duration = .seconds(20)
    ) {
        self.attempts = attempts
        self.first = first
        self.firstWhenThrottled = firstWhenThrottled
        self.longest = longest
    }

    /// - Parameter chance: a random number from 0 to 1.
    package func pause(after attempt: Int, isThrottled: Bool, chance: Double) -> Duration {
        let bound = (isThrottled ? firstWhenThrottled : first) * (1 << min(attempt - 1, 16))
        return min(bound, longest) * chance
    }
}

/// Classifies a failed attempt: whether a retry makes sense, and whether the call may already have taken effect.
struct FailureClass: Equatable {
    enum Cause: Equatable {
        case throttled, serverFailure, clock, expired, notConnected, lost, timedOut, unexpectedAnswer
        /// A final error from AWS; retrying cannot help.
        case refused
    }

    var cause: Cause

    init(_ cause: Cause) {
        self.cause = cause
    }

    /// Whether AWS may have performed the operation before the response failed.
    var mayHaveTakenEffect: Bool {
        switch cause {
        case .serverFailure, .lost, .timedOut, .unexpectedAnswer: true
        case .throttled, .clock, .expired, .notConnected, .refused: false
        }
    }

    init(of error: any Error) {
        switch error {
        case let error as TransportError:
            switch error.kind {
            case .notConnected: cause = .notConnected
            case .lost: cause = .lost
            case .timedOut: cause = .timedOut
            }
        case let error as ServiceError: cause = Self.cause(of: error)
        default: cause = .unexpectedAnswer
        }
    }

    private static func cause(of error: ServiceError) -> Cause {
        if throttling.contains(error.code) || error.status == 429 { return .throttled }
        if expired.contains(error.code) { return .expired }
        if clock.contains(error.code) { return .clock }
        if failures.contains(error.code) || [500, 502, 503, 504].contains(error.status) { return .serverFailure }
        return .refused
    }

    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>; without
    /// `LimitExceededException`, which CloudFormation and CloudWatch Logs use for quotas.
    static let throttling: Set = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
        "TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete",
        "EC2ThrottledException",
    ]
    static let expired: Set = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"]
    /// Also returned for a wrong secret key; the response's date tells the two cases apart.
    static let clock: Set = [
        "RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
        "RequestInTheFuture",
    ]
    static let failures: Set = [
        "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "ServiceUnavailable",
        "Unavailable", "RequestTimeout", "RequestTimeoutException", "ServiceUnavailableException",
    ]
}

extension AWSError {
    /// Converts the last failure of a call into an error that tells the caller what to do about it.
    init<O: Operation>(
        _ error: any Error, of operation: O.Type, in region: String, attempts: Int, mayHaveTakenEffect: Bool
    ) {
        self.init(
            service: O.service.id, operation: O.name, region: region, kind: Self.kind(of: error), code: "",
            message: "", attempts: attempts, mayHaveTakenEffect: mayHaveTakenEffect)
        switch error {
        case let error as ServiceError:
            (code, requestID, status) = (error.code, error.requestID, error.status)
            // For a wrong signature, AWS appends everything it signed after the first line; the trace has it all.
            message = String(error.message.prefix { !$0.isNewline })
        case let error as TransportError:
            code = ["lost": "ConnectionLost", "timedOut": "TimedOut"][error.kind.rawValue] ?? "NotConnected"
            message = error.message
        default: (code, message) = ("UnexpectedAnswer", "\(error)")
        }
        advice = Self.advice(self, permissions: O.permissions)
    }

    private static func kind(of error: any Error) -> Kind {
        switch FailureClass(of: error).cause {
        case .throttled, .serverFailure: return .temporary
        case .expired, .clock: return .credentials
        case .notConnected, .lost, .timedOut: return .unreachable
        case .unexpectedAnswer: return .unexpectedAnswer
        case .refused: break
        }
        guard let error = error as? ServiceError else { return .refused }
        if denied.contains(error.code) { return .denied }
        if unknownKey.contains(error.code) { return .credentials }
        if isQuota(error.code) { return .quota }
        return .refused
    }

    private static let denied: Set = [
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "OptInRequired",
    ]
    private static let unknownKey: Set = [
        "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "MissingAuthenticationToken",
        "InvalidToken", "MissingAuthenticationTokenException", "IncompleteSignature",
    ]

    private static func isQuota(_ code: String) -> Bool {
        code.hasSuffix("LimitExceeded") || code.hasSuffix("LimitExceededException")
            || code.hasSuffix("QuotaExceeded") || code.hasSuffix("QuotaExceededException") || code == "TooManyBuckets"
            || code.hasSuffix("CountExceeded")
    }
}
