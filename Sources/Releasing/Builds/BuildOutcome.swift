import AWSServices
import FoundationEssentials
import Sandbox

/// How a build of CodeBuild ended.
package enum BuildOutcome: String, Sendable, CaseIterable {
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    /// CodeBuild itself had trouble.
    case fault = "FAULT"
    case timedOut = "TIMED_OUT"
    case stopped = "STOPPED"

    /// `nil` for success. Scripts may rely on it, `--help` says it.
    package var code: Failure.Code? {
        switch self {
        case .succeeded: nil
        case .failed: .failed
        case .fault: .unavailable
        case .timedOut: .temporary
        case .stopped: .interrupted
        }
    }

    package var words: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .fault: "ended by trouble in CodeBuild"
        case .timedOut: "timed out"
        case .stopped: "stopped"
        }
    }
}

/// A build that has ended, and what is to be said of it.
package struct EndedBuild: Sendable, Equatable {
    package var started: StartedBuild
    package var outcome: BuildOutcome
    /// Why, as AWS tells it: what phase failed and by which command.
    package var reasons: [String]
    /// The end of its log.
    package var lastLines: [String]
    package var seconds: Double?
    /// Where a browser shows the log.
    package var log: String?

    init(_ started: StartedBuild, _ build: CodeBuild.Build, lastLines: [String]) {
        self.started = started
        // A status of the future is no success.
        outcome = build.buildStatus.flatMap(BuildOutcome.init) ?? .fault
        reasons = (build.phases ?? []).flatMap { phase -> [String] in
            guard let status = phase.phaseStatus, status != "SUCCEEDED" else { return [] }
            let messages = (phase.contexts ?? []).compactMap(\.message).filter { !$0.isEmpty }
            return ["\(phase.phaseType ?? "?"): \(status)"] + messages
        }
        self.lastLines = lastLines
        seconds = build.startTime.flatMap { start in build.endTime.map { $0.timeIntervalSince(start) } }
        log = build.logs?.deepLink
    }
}

extension [EndedBuild] {
    /// All of them as one: success where each succeeded; a failure of the build itself comes before other troubles.
    package var outcome: BuildOutcome {
        let order: [BuildOutcome] = [.failed, .fault, .timedOut, .stopped]
        return order.first { wanted in contains { $0.outcome == wanted } } ?? .succeeded
    }
}
