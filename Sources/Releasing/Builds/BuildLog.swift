import AWSCore
import AWSServices

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
