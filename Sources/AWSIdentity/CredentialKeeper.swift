import AWSCore
import FoundationEssentials

/// Keeps credentials good for as long as somebody needs them.
///
/// Expiring ones are fetched anew from five minutes before their end, once for all who ask meanwhile. Where that
/// fails they are used for as long as they are good. Who is cancelled stops waiting; the fetch goes on for the others.
package actor CredentialKeeper: CredentialSource {
    package typealias Fetch = @Sendable (_ refused: Credentials?) async throws -> Credentials

    private static let margin: TimeInterval = 5 * 60
    /// Between a failed renewal and the next, while the old ones are still good.
    private static let rest: TimeInterval = 30

    private let fetch: Fetch
    private let now: @Sendable () -> Date
    private var current: Credentials?
    private var restsUntil = Date.distantPast
    private var isFetching = false
    private var waiting: [UInt64: CheckedContinuation<Credentials, any Error>] = [:]
    private var lastWaiter: UInt64 = 0

    /// - Parameter fetch: told of credentials that AWS no longer takes, so that it does not find them again in a cache.
    package init(now: @escaping @Sendable () -> Date = { Date() }, fetch: @escaping Fetch) {
        self.now = now
        self.fetch = fetch
    }

    package func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        if let current, current != refused, isFresh(current) || now() < restsUntil && isGood(current) {
            return current
        }
        if !isFetching { start(insteadOf: refused) }
        return try await next()
    }

    private func start(insteadOf refused: Credentials?) {
        isFetching = true
        Task {
            do { finish(.success(try await fetch(refused)), refused) } catch { finish(.failure(error), refused) }
        }
    }

    private func finish(_ result: Result<Credentials, any Error>, _ refused: Credentials?) {
        isFetching = false
        var result = result
        switch result {
        case .success(let fetched):
            current = fetched
            // Some sources, such as the environment, have nothing newer to give.
            restsUntil = isFresh(fetched) ? .distantPast : now() + Self.rest
        case .failure:
            restsUntil = now() + Self.rest
            if let current, current != refused, isGood(current) { result = .success(current) }
        }
        let all = waiting
        waiting = [:]
        for continuation in all.values { continuation.resume(with: result) }
    }

    private func next() async throws -> Credentials {
        lastWaiter += 1
        let waiter = lastWaiter
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting[waiter] = continuation
                }
            }
        } onCancel: {
            Task { await self.leave(waiter) }
        }
    }

    private func leave(_ waiter: UInt64) {
        waiting.removeValue(forKey: waiter)?.resume(throwing: CancellationError())
    }

    private func isFresh(_ credentials: Credentials) -> Bool {
        credentials.expiration.map { $0.timeIntervalSince(now()) > Self.margin } ?? true
    }

    private func isGood(_ credentials: Credentials) -> Bool {
        credentials.expiration.map { $0 > now() } ?? true
    }
}
