import AWSCore
import AWSServices
import FoundationEssentials
import Reporting
import Sandbox

/// Tells of one build until it has ended.
struct BuildFollower: Sendable {
    private let client: AWSClient
    private let pace: Pace
    private let started: StartedBuild
    private let tell: @Sendable (BuildNews) -> Void

    /// How much of the log is repeated where a build fails.
    static let keptLines = 10
    /// CloudWatch has the last lines some time after the build has ended.
    static let quietLooks = 2

    init(
        _ client: AWSClient, _ pace: Pace, _ started: StartedBuild, _ tell: @escaping @Sendable (BuildNews) -> Void
    ) {
        self.client = client
        self.pace = pace
        self.started = started
        self.tell = tell
    }

    /// A broken connection is no news: it is asked again, for as long as the pace has patience.
    func run() async throws -> EndedBuild {
        var phases = PhaseTeller()
        var log = BuildLog()
        var lastLines: [String] = []
        var quietLooks = 0
        return try await client.wait(for: "the end of \(started.id)", at: pace) {
            let build = try await look()
            phases.news(of: build).forEach(tell)
            let isReadable = log.trouble == nil
            let lines = try await log.news(of: build, client)
            for line in lines { tell(.line(line)) }
            if isReadable, let trouble = log.trouble { tell(.trouble("the log cannot be read: \(trouble)")) }
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
            throw Failure(.failed, "CodeBuild knows nothing any more of the build \(started.id)")
        }
        return build
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// The log of a build, read on from where it was left.
struct BuildLog: Sendable {
    private var place: CodeBuild.LogsLocation?
    private var token: String?
    /// It is asked for no more: reading it is not allowed.
    private(set) var trouble: String?

    /// What has been written since it was last read; nothing before the build has a machine.
    mutating func news(of build: CodeBuild.Build, _ client: AWSClient) async throws -> [String] {
        if let found = build.logs, found.groupName != nil, found.streamName != nil { place = found }
        guard trouble == nil, let group = place?.groupName, let stream = place?.streamName else { return [] }
        do { return try await lines(group, stream, client) } catch let error as AWSError {
            switch error.kind {
            case .refused where error.code == "ResourceNotFoundException": return []  // It comes with the first line.
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
            // The token that was sent comes back where there is no more.
            guard let next = page.nextForwardToken, next != token else { return lines }
            token = next
        }
    }
}

/// What happens in a build that is followed.
package enum BuildNews: Sendable, Equatable {
    case started(id: String)
    case begins(phase: String)
    case ends(phase: String, status: String, seconds: Int?)
    case line(String)
    case trouble(String)

    /// - Parameter label: tells builds apart that run side by side.
    package func text(_ label: String?, _ style: Style) -> String {
        let mark = label.map { style.paint("\($0) | ", .dim) } ?? ""
        switch self {
        case .started(let id): return "\(mark)started \(id)\n"
        case .begins(let phase): return "\(mark)\(style.paint(phase, .bold))\n"
        case .ends(let phase, let status, let seconds):
            let ink: Ink = status == "SUCCEEDED" ? .green : .red
            let time = seconds.map { " after \(Units.time(Double($0)))" } ?? ""
            return "\(mark)\(phase) \(style.paint(status, ink))\(time)\n"
        case .line(let line): return "\(mark)  \(line.printableLine)\n"
        case .trouble(let text): return mark + Message.warning(text, style)
        }
    }
}

/// Which phases have been told of.
struct PhaseTeller: Sendable {
    private var begun: Set<String> = []
    private var ended: Set<String> = []

    mutating func news(of build: CodeBuild.Build) -> [BuildNews] {
        var news: [BuildNews] = []
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

/// What has become of the builds of a release, for people and programs.
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
        // Ids are too long for a column, and useless in parts.
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

    /// What is known right after the start.
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

    /// `nil` where all succeeded.
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
        return Failure(code, message, details: details, advice: bad.first?.log.map { "the whole log: \($0)" })
    }
}
