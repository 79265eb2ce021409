/// How often and after what pause a failed call is sent again: full jitter, so that many that failed together do not
/// come back together.
/// Source: <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>
package struct Backoff: Sendable, Equatable {
    package var attempts: Int
    /// Upper bound of the first pause; it doubles with each.
    package var first: Duration
    package var firstWhenThrottled: Duration
    package var longest: Duration

    package init(
        attempts: Int = 8, first: Duration = .milliseconds(500), firstWhenThrottled: Duration = .seconds(1),
        longest: Duration = .seconds(20)
    ) {
        self.attempts = attempts
        self.first = first
        self.firstWhenThrottled = firstWhenThrottled
        self.longest = longest
    }

    /// - Parameter chance: from 0 to 1.
    package func pause(after attempt: Int, isThrottled: Bool, chance: Double) -> Duration {
        let bound = (isThrottled ? firstWhenThrottled : first) * (1 << min(attempt - 1, 16))
        return min(bound, longest) * chance
    }
}
