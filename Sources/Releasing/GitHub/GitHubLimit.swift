import AWSCore
import FoundationEssentials

/// An answer that says that GitHub was asked too often, and how long it wants not to be asked.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
struct GitHubLimit: Equatable {
    /// The requests of an hour, in contrast to too many at once.
    var isPrimary: Bool
    var pause: Duration

    /// - Parameter earlier: how often this call has waited already: without a time named, each wait is twice the last.
    /// - Returns: `nil` where it is something else, such as a missing permission, which has the same status.
    init?(_ response: HTTPResponse, at now: Date, earlier: Int) {
        guard response.status == 403 || response.status == 429 else { return nil }
        isPrimary = response.header("x-ratelimit-remaining") == "0"
        if let seconds = response.header("retry-after").flatMap({ Int64($0) }) {
            pause = .seconds(max(1, seconds))
        } else if isPrimary, let reset = response.header("x-ratelimit-reset").flatMap({ Double($0) }) {
            let seconds = Date(timeIntervalSince1970: reset).timeIntervalSince(now)
            pause = .seconds(max(1, Int64(min(seconds, 86_400)) + 1))
        } else if response.status == 429 || GitHubComplaint(response).isAboutRate {
            pause = .seconds(60 << min(earlier, 6))
        } else {
            return nil
        }
    }
}
