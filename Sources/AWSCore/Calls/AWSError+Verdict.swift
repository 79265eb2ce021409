extension AWSError {
    /// The last failure of a call, in terms of what the caller can do about it.
    init<O: Operation>(
        _ error: any Error, of operation: O.Type, in region: String, attempts: Int, mayHaveTakenEffect: Bool
    ) {
        self.init(
            service: O.service.id, operation: O.name, region: region, kind: Self.kind(of: error), code: "",
            message: "", attempts: attempts, mayHaveTakenEffect: mayHaveTakenEffect)
        switch error {
        case let error as ServiceError:
            (code, requestID, status) = (error.code, error.requestID, error.status)
            // Below the first line of a wrong signature stands all that was signed; the trace has it.
            message = String(error.message.prefix { !$0.isNewline })
        case let error as TransportError:
            code = ["lost": "ConnectionLost", "timedOut": "TimedOut"][error.kind.rawValue] ?? "NotConnected"
            message = error.message
        default: (code, message) = ("UnexpectedAnswer", "\(error)")
        }
        advice = Self.advice(self, permissions: O.permissions)
    }

    private static func kind(of error: any Error) -> Kind {
        switch Verdict(of: error).cause {
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
