import AWSCore
import Sandbox

/// One call under way, over all its attempts and waits.
struct GitHubCall {
    /// May be sent again when nobody knows whether it has been done: it would do the same once more.
    private let isRepeatable: Bool
    private let subject: GitHubSubject
    private let world: GitHubWorld
    private var request: HTTPRequest
    private var attempt = 0
    private var waits = 0
    private var waited: Duration = .zero
    private var turns = 0

    init(_ request: HTTPRequest, about subject: GitHubSubject, isRepeatable: Bool, _ world: GitHubWorld) {
        self.subject = subject
        self.isRepeatable = isRepeatable
        self.world = world
        self.request = Self.dressed(request, world.token)
    }

    mutating func run() async throws -> HTTPResponse {
        while true {
            attempt += 1
            do {
                let response = try await world.transport.send(request, within: .seconds(60))
                if response.isSuccess { return response }
                if try follow(response) { continue }
                if let limit = GitHubLimit(response, at: world.time.now(), earlier: waits) {
                    try await wait(for: limit)
                } else {
                    guard response.status >= 500, canTryAgain else { throw subject.failure(response, world.token) }
                    try await pause()
                }
            } catch let error as TransportError {
                guard error.kind == .notConnected ? attempt < world.backoff.attempts : canTryAgain else {
                    throw subject.failure(error, attempts: attempt, mayBeDone: !isRepeatable)
                }
                try await pause()
            }
        }
    }

    private var canTryAgain: Bool { isRepeatable && attempt < world.backoff.attempts }

    private static func dressed(_ request: HTTPRequest, _ token: GitHubToken) -> HTTPRequest {
        var request = request
        request.headers += [
            .init("accept", "application/vnd.github+json"), .init("authorization", "Bearer \(token.value)"),
            .init("user-agent", "dss"), .init("x-github-api-version", "2022-11-28"),
        ]
        if !request.body.isEmpty { request.add(header: "content-type", "application/json") }
        return request
    }

    /// A repository that was renamed answers with its new place.
    private mutating func follow(_ response: HTTPResponse) throws -> Bool {
        guard [301, 302, 307, 308].contains(response.status), let place = response.header("location") else {
            return false
        }
        turns += 1
        guard turns <= 3, let next = world.server.request(request.method, for: place) else {
            throw Failure(
                .unavailable, "GitHub sends the question for \(subject) to \(place)",
                advice: "the token goes to \(world.server.endpoint.host) alone: check the URL of the server")
        }
        (request.path, request.query) = (next.path, next.query)
        attempt -= 1
        return true
    }

    private mutating func wait(for limit: GitHubLimit) async throws {
        let name = limit.isPrimary ? "GitHub's rate limit is used up" : "GitHub wants to be asked less often"
        let seconds = limit.pause.components.seconds
        guard waited + limit.pause <= world.patience else {
            throw Failure(
                .temporary, "\(name), for another \(seconds) s (\(subject))",
                advice: "run the same command again after that")
        }
        world.tell("\(name): going on in \(seconds) s")
        try await world.time.sleep(limit.pause)
        waited += limit.pause
        waits += 1
        // A limit says nothing against the request.
        attempt -= 1
    }

    private func pause() async throws {
        try await world.time.sleep(
            world.backoff.pause(after: attempt, isThrottled: false, chance: world.time.random()))
    }
}
