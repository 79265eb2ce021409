import Sandbox
import Workbench

/// Makes checks, tells what each came to, and knows which cannot be made because another failed.
actor CheckLog {
    private(set) var results: [CheckResult] = []
    private var outcomes: [Check: CheckResult.Outcome] = [:]
    private var console: ConsoleLog?
    private let onCheck: @Sendable (CheckResult) -> Void
    private let clock: any Clock<Duration>

    init(clock: any Clock<Duration> = ContinuousClock(), onCheck: @escaping @Sendable (CheckResult) -> Void) {
        self.clock = clock
        self.onCheck = onCheck
    }

    var hasFailures: Bool { outcomes.values.contains(.failed) }

    /// The copy that the next checks are made of, for its console log.
    func watch(_ console: ConsoleLog?) {
        self.console = console
    }

    /// Makes one check. An error of `body` is a failed check; only cancellation goes on.
    func make(_ check: Check, _ body: @Sendable () async throws -> Verdict) async throws {
        try Task.checkCancellation()
        if let reason = obstacle(of: check) { return record(check, .skipped(reason), seconds: 0) }
        let stopwatch = Stopwatch(clock)
        do {
            record(check, try await body(), seconds: stopwatch.seconds)
        } catch {
            try Task.checkCancellation()
            record(check, .failed("\(error)"), seconds: stopwatch.seconds)
        }
    }

    func passed(_ check: Check) -> Bool { outcomes[check] == .passed }

    /// Records that everything ended with an error before all checks were made: the next one failed with it.
    func end(with error: any Error) {
        guard let next = Check.allCases.first(where: { outcomes[$0] == nil }) else { return }
        record(next, .failed("\(error)"), seconds: 0)
    }

    /// Records the checks that were not made as skipped.
    func skipRest() {
        for check in Check.allCases where outcomes[check] == nil {
            record(check, .skipped(obstacle(of: check) ?? "the verification ended before"), seconds: 0)
        }
    }

    private func obstacle(of check: Check) -> String? {
        guard let needed = check.needs, let outcome = outcomes[needed], outcome != .passed else { return nil }
        return outcome == .failed ? "'\(needed.rawValue)' failed" : "'\(needed.rawValue)' was skipped"
    }

    private func record(_ check: Check, _ verdict: Verdict, seconds: Double) {
        var result = CheckResult(name: check.rawValue, outcome: .passed, seconds: seconds)
        switch verdict {
        case .passed(let seen): result.message = seen
        case .failed(let reason):
            result.outcome = .failed
            result.message = [reason, console?.keep()].compactMap(\.self).joined(separator: "\n")
        case .skipped(let reason):
            result.outcome = .skipped
            result.message = reason
        }
        outcomes[check] = result.outcome
        results.append(result)
        onCheck(result)
    }
}

/// What a guest printed on its console, kept where a check of it fails.
struct ConsoleLog: Sendable {
    var path: String
    var directory: String
    var name: String

    /// - Returns: a line that says where it is kept.
    @discardableResult
    func keep() -> String? {
        guard fileExists(path), let text = try? readText(path) else { return nil }
        do {
            try makeDirectory(directory)
            try writeAtomically(text, to: "\(directory)/\(name)")
            return "console log: \(directory)/\(name)"
        } catch { return "the console log could not be kept: \(error)" }
    }
}
