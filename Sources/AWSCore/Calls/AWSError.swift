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
