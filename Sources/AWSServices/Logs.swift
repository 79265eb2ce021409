import AWSCore

/// CloudWatch Logs, in which a build's output appears while it runs.
package enum Logs {
    package static let service = Service(
        id: "CloudWatch Logs", signingName: "logs", version: "2014-03-28", targetPrefix: "Logs_20140328", keys: .camel)

    /// Lines of one stream.
    ///
    /// Going forward never ends with a missing token: at the end of what there is, the token that was sent comes back.
    /// Followed live, it is the place to ask from again.
    /// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
    package struct GetLogEvents: JSONOperation, PagedOperation {
        package static let service = Logs.service
        package static let repetition = Repetition<Self>.harmless

        package var logGroupName: String
        package var logStreamName: String
        /// Milliseconds since 1970.
        package var startTime: Int?
        package var nextToken: String?
        /// At most 10,000, and one megabyte, a page.
        package var limit: Int?
        /// By default the newest lines come first.
        package var startFromHead: Bool?

        package init(logGroupName: String, logStreamName: String, startFromHead: Bool? = nil) {
            self.logGroupName = logGroupName
            self.logStreamName = logStreamName
            self.startFromHead = startFromHead
        }

        package struct Output: Sendable, Codable, Equatable {
            package var events: [Event]?
            package var nextForwardToken: String?
        }

        package static func items(of page: Output) -> [Event] { page.events ?? [] }

        package mutating func turn(after page: Output) throws -> Bool {
            try page.nextForwardToken != nextToken && advance(&nextToken, to: page.nextForwardToken)
        }
    }

    package struct Event: Sendable, Codable, Equatable {
        /// Milliseconds since 1970.
        package var timestamp: Int?
        package var message: String?
    }
}
