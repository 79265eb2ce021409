import AWSCore
import AWSServices
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
