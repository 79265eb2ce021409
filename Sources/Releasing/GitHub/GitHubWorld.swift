import AWSCore

/// All that a client of GitHub needs of the world; made in one place, and pretended in tests.
package struct GitHubWorld: Sendable {
    package var transport: any Transport
    package var server: GitHubServer
    package var token: GitHubToken
    package var time: CallTime
    package var backoff: Backoff
    /// How long one call may wait for GitHub's rate limits, all in all.
    package var patience: Duration
    /// Told why nothing happens for a while.
    package var tell: @Sendable (String) -> Void

    /// - Parameter patience: by default more than the minutes of a secondary limit, and less than the hour of the
    ///   primary one: whoever has to wait an hour wants to know first.
    package init(
        transport: any Transport, server: GitHubServer, token: GitHubToken, time: CallTime = .live,
        backoff: Backoff = .init(attempts: 5), patience: Duration = .seconds(900),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.transport = transport
        self.server = server
        self.token = token
        self.time = time
        self.backoff = backoff
        self.patience = patience
        self.tell = tell
    }
}
