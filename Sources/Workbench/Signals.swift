import Glibc
import UnixSignals

/// Runs `body` and cancels it on SIGINT, SIGTERM or SIGHUP; a second signal ends the process at once, and so does
/// SIGQUIT, for which the Swift runtime would print a stack trace.
/// - Parameter onSignal: called with the signal's name, and true if the process ends now.
/// - Throws: `Interrupted` if a signal arrived and `body` threw, whatever its error.
package func interruptible<Result: Sendable>(
    onSignal: @escaping @Sendable (String, Bool) -> Void,
    _ body: sending @escaping () async throws -> Result
) async throws -> Result {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigquit)
    let work = Task { try await body() }
    let watch = Task { () -> UnixSignal? in
        var first: UnixSignal?
        for await signal in signals {
            let isLast = first != nil || signal == .sigquit
            onSignal(signal.description, isLast)
            if isLast { _exit(128 + signal.rawValue) }
            first = signal
            work.cancel()
        }
        return first
    }
    let result = await work.result
    watch.cancel()
    if let signal = await watch.value, case .failure(let error) = result {
        throw Interrupted(signal: signal.rawValue, cause: error)
    }
    return try result.get()
}

/// The work was interrupted by a signal; the exit code is 128 + signal, as in shells.
package struct Interrupted: Error, Sendable {
    package var signal: Int32
    package var cause: any Error
}
