import AWSCore
import AWSServices
import FoundationEssentials
import Reporting
import Sandbox

/// Follows one build until it ends, and reports its progress.
struct BuildFollower: Sendable {
    private let client: AWSClient
    private let polling: PollingPolicy
    private let started: StartedBuild
    private let tell: @Sendable (ReleaseBuildEvent) -> Void

    /// The number of log lines that are repeated if a build fails.
    static let keptLines = 10
    /// The number of polls without new log lines after the end of a build before its log counts as complete.
    ///
    /// CloudWatch receives the last lines some time after the build ends.
    static let quietLooks = 2

    init(
        _ client: AWSClient, _ polling: PollingPolicy, _ started: StartedBuild,
        _ tell: @escaping @Sendable (ReleaseBuildEvent) -> Void
    ) {
        self.client = client
        self.polling = polling
        self.started = started
        self.tell = tell
    }

    /// Follows the build to its end. Polling continues after a lost connection, until the time limit of the pace.
    func run() async throws -> EndedBuild {
        var phases = PhaseTracker()
        var log = BuildLog()
        var lastLines: [String] = []
        var quietLooks = 0
        return try await client.wait(for: "build \(started.id)", at: polling) {
            let build = try await look()
            phases.news(of: build).forEach(tell)
            let isReadable = log.trouble == nil
            let lines = try await log.news(of: build, client)
            for line in lines { tell(.line(line)) }
            if isReadable, let trouble = log.trouble { tell(.trouble("cannot read the log: \(trouble)")) }
            lastLines = (lastLines + lines).suffix(Self.keptLines)
            guard build.buildStatus != "IN_PROGRESS" else { return nil }
            quietLooks = lines.isEmpty ? quietLooks + 1 : 0
            guard quietLooks >= Self.quietLooks || log.trouble != nil else { return nil }
            return EndedBuild(started, build, lastLines: lastLines.map(Self.trimmed))
        }
    }

    private func look() async throws -> CodeBuild.Build {
        let answer = try await client.call(CodeBuild.BatchGetBuilds(ids: [started.id]))
        guard let build = answer.builds?.first else {
            throw Failure(.failed, "CodeBuild no longer has build \(started.id)")
        }
        return build
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// The log of a build, read incrementally.
struct BuildLog: Sendable {
    private var place: CodeBuild.LogsLocation?
    private var token: String?
    /// The reason why the log cannot be read, such as a missing permission; further reads are skipped.
    private(set) var trouble: String?

    /// The lines since the last read; empty until the build has an instance.
    mutating func news(of build: CodeBuild.Build, _ client: AWSClient) async throws -> [String] {
        if let found = build.logs, found.groupName != nil, found.streamName != nil { place = found }
        guard trouble == nil, let group = place?.groupName, let stream = place?.streamName else { return [] }
        do { return try await lines(group, stream, client) } catch let error as AWSError {
            switch error.kind {
            case .refused where error.code == "ResourceNotFoundException": return []  // Created with the first line.
            case .denied, .refused:
                trouble = "\(error)"
                return []
            default: throw error
            }
        }
    }

    private mutating func lines(_ group: String, _ stream: String, _ client: AWSClient) async throws -> [String] {
        var lines: [String] = []
        while true {
            var question = Logs.GetLogEvents(logGroupName: group, logStreamName: stream, startFromHead: true)
            question.nextToken = token
            let page = try await client.call(question)
            lines += (page.events ?? []).compactMap(\.message)
            // At the end of the log, CloudWatch returns the same token that was sent.
            guard let next = page.nextForwardToken, next != token else { return lines }
            token = next
        }
    }
}

/// An event of a build that is being followed.
package enum ReleaseBuildEvent: Sendable, Equatable {
    case started(id: String)
    case begins(phase: String)
    case ends(phase: String, status: String, seconds: Int?)
    case line(String)
    case trouble(String)

    /// - Parameter label: The label that distinguishes builds that run in parallel.
    package func text(_ label: String?, _ style: Style) -> String {
        let mark = label.map { style.paint("\($0) | ", .dim) } ?? ""
        switch self {
        case .started(let id): return "\(mark)started \(id)\n"
        case .begins(let phase): return "\(mark)\(style.paint(phase, .bold))\n"
        case .ends(let phase, let status, let seconds):
            let ink: TextStyle = status == "SUCCEEDED" ? .green : .red
            let time = seconds.map { " after \(Units.time(Double($0)))" } ?? ""
            return "\(mark)\(phase) \(style.paint(status, ink))\(time)\n"
        case .line(let line): return "\(mark)  \(line.printableLine)\n"
        case .trouble(let text): return mark + Message.warning(text, style)
        }
    }
}

/// Tracks which phases have been reported.
struct PhaseTracker: Sendable {
    private var begun: Set<String> = []
    private var ended: Set<String> = []

    mutating func news(of build: CodeBuild.Build) -> [ReleaseBuildEvent] {
        var news: [ReleaseBuildEvent] = []
        for phase in build.phases ?? [] {
            guard let name = phase.phaseType else { continue }
            if let status = phase.phaseStatus {
                guard ended.insert(name).inserted else { continue }
                begun.insert(name)
                news.append(.ends(phase: name, status: status, seconds: phase.durationInSeconds))
            } else if begun.insert(name).inserted, name != "COMPLETED" {
                news.append(.begins(phase: name))
            }
        }
        return news
    }
}

/// The outcome of a build on CodeBuild.
package enum BuildOutcome: String, Sendable, CaseIterable {
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    /// An error in CodeBuild itself.
    case fault = "FAULT"
    case timedOut = "TIMED_OUT"
    case stopped = "STOPPED"

    /// The failure code, `nil` for success. `--help` documents it, and scripts may rely on it.
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
        case .fault: "failed with a CodeBuild fault"
        case .timedOut: "timed out"
        case .stopped: "stopped"
        }
    }
}

/// A build that has ended, with the facts for its report.
package struct EndedBuild: Sendable, Equatable {
    package var started: StartedBuild
    package var outcome: BuildOutcome
    /// The reasons according to AWS: the phases that failed, and the commands that caused it.
    package var reasons: [String]
    /// The last lines of the log.
    package var lastLines: [String]
    package var seconds: Double?
    /// The URL of the log in the AWS console.
    package var log: String?

    init(_ started: StartedBuild, _ build: CodeBuild.Build, lastLines: [String]) {
        self.started = started
        // A status that is not known yet does not count as success.
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
    /// The combined outcome: success if every build succeeded; otherwise, a failed build takes precedence over a fault,
    /// a timeout and a stopped build.
    package var outcome: BuildOutcome {
        let order: [BuildOutcome] = [.failed, .fault, .timedOut, .stopped]
        return order.first { wanted in contains { $0.outcome == wanted } } ?? .succeeded
    }
}

/// The results of the builds of a release, as text and as JSON.
package struct BuildResults: Sendable {
    package var releaseID: Int
    package var builds: [EndedBuild]

    package init(releaseID: Int, builds: [EndedBuild]) {
        self.releaseID = releaseID
        self.builds = builds
    }

    package func text(_ style: Style) -> String {
        let isMatrix = builds.contains { $0.started.build.label != nil }
        let rows: [[Table.Cell]] = builds.map { one in
            (isMatrix ? [Table.Cell(one.started.build.label ?? "-")] : []) + [
                .init(one.started.build.assetID.rawValue),
                .init(one.outcome.words, ink: one.outcome == .succeeded ? .green : .red),
                .init(one.seconds.map(Units.time) ?? "-"),
            ]
        }
        let columns: [Table.Column] =
            (isMatrix ? [.init("variant")] : []) + [.init("asset id"), .init("result"), .init("time", .right)]
        // IDs are too long for a column, and useless when truncated.
        let ids = builds.map { one in (one.started.build.label.map { "\($0): " } ?? "") + one.started.id }
        return Table(columns, rows: rows, notes: [""] + ids).text(style)
    }

    package var json: JSONValue {
        .object([
            ("release_id", .count(releaseID)), ("outcome", .string(builds.outcome.rawValue)),
            (
                "builds",
                .array(
                    builds.map { one in
                        .object(
                            Self.members(one.started) + [
                                ("outcome", .string(one.outcome.rawValue)),
                                ("seconds", one.seconds.map { .seconds($0) } ?? .null), ("log", .text(one.log)),
                                ("reasons", .array(one.reasons.map { .string($0) })),
                            ])
                    })
            ),
        ])
    }

    /// The results right after the start, without outcomes.
    package static func json(releaseID: Int, _ started: [StartedBuild]) -> JSONValue {
        .object([
            ("release_id", .count(releaseID)), ("outcome", .null),
            ("builds", .array(started.map { .object(members($0)) })),
        ])
    }

    private static func members(_ one: StartedBuild) -> [(String, JSONValue)] {
        [
            ("variant", .text(one.build.variant)), ("asset_id", .string(one.build.assetID.rawValue)),
            ("id", .string(one.id)), ("region", .string(one.region)),
        ]
    }

    /// The failure to throw; `nil` if all builds succeeded.
    package var failure: Failure? {
        guard let code = builds.outcome.code else { return nil }
        let bad = builds.filter { $0.outcome != .succeeded }
        let details = bad.flatMap { one -> [String] in
            let name = one.started.build.label.map { "\($0): " } ?? ""
            return ["\(name)\(one.started.id)"] + one.reasons + one.lastLines.map { "| \($0.printableLine)" }
        }
        let message =
            builds.count == 1
            ? "the build \(bad[0].outcome.words)"
            : "\(bad.count) of \(builds.count) builds did not succeed"
        return Failure(code, message, details: details, advice: bad.first?.log.map { "full log: \($0)" })
    }
}
