import FoundationEssentials
import Synchronization

/// What all calls of a client share: the corrected clock, the budget for retries, the limits of concurrency.
final class ClientState: Sendable {
    private struct Values {
        var clockOffset: TimeInterval = 0
        var retryBudget = RetryBudget()
        var gates: [String: Gate] = [:]
    }

    private let values = Mutex(Values())
    let signingKeys = SigningKeys()

    /// AWS's time, as far as this machine's clock is known to be wrong.
    func corrected(_ now: Date) -> Date {
        now.addingTimeInterval(values.withLock { $0.clockOffset })
    }

    func correctClock(by offset: TimeInterval) {
        values.withLock { $0.clockOffset = offset }
    }

    /// - Returns: false where so much has failed that sending again would only add to the load.
    func takeFromBudget(_ cost: Int) -> Bool {
        values.withLock { $0.retryBudget.take(cost) }
    }

    func returnToBudget(_ amount: Int) {
        values.withLock { $0.retryBudget.give(amount) }
    }

    func gate(_ service: Service) -> Gate {
        values.withLock { values in
            if let gate = values.gates[service.id] { return gate }
            let gate = Gate(width: service.concurrency)
            values.gates[service.id] = gate
            return gate
        }
    }
}

/// The token bucket of AWS's standard retry mode: every retry costs, every success gives back.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
struct RetryBudget {
    static let full = 500
    static let retry = 5
    static let retryAfterTimeout = 10

    private(set) var tokens = full

    mutating func take(_ cost: Int) -> Bool {
        guard tokens >= cost else { return false }
        tokens -= cost
        return true
    }

    mutating func give(_ amount: Int) {
        tokens = min(tokens + amount, Self.full)
    }
}
