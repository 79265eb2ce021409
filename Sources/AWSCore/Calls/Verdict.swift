/// What a failed attempt means: whether it makes sense to send the call again, and whether it was done already.
struct Verdict: Equatable {
    enum Cause: Equatable {
        case throttled, serverFailure, clock, expired, notConnected, lost, timedOut, unexpectedAnswer
        /// AWS's last word.
        case refused
    }

    var cause: Cause

    init(_ cause: Cause) {
        self.cause = cause
    }

    /// Nobody knows whether AWS did it before the answer went wrong.
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
    /// Also what a wrong secret gives; which of both it is shows the answer's date.
    static let clock: Set = [
        "RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
        "RequestInTheFuture",
    ]
    static let failures: Set = [
        "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "ServiceUnavailable",
        "Unavailable", "RequestTimeout", "RequestTimeoutException", "ServiceUnavailableException",
    ]
}
