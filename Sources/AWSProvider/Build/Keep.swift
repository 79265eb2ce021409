import Synchronization

/// Says of something that is registered for undo that it has become a product: it stays, whatever comes later.
package final class Keep: Sendable {
    private let decided = Mutex(false)

    package init() {}

    package var isDecided: Bool { decided.withLock { $0 } }

    package func decide() { decided.withLock { $0 = true } }
}
