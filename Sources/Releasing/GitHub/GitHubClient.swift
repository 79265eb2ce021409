import AWSCore
import FoundationEssentials
import Sandbox

/// A client of the GitHub API for one repository.
///
/// It waits for rate limits, retries idempotent requests after network errors, and never sends the token to another
/// server.
package struct GitHubClient: Sendable {
    package let repository: GitHubRepository
    let world: GitHubWorld

    package init(_ repository: GitHubRepository, _ world: GitHubWorld) {
        self.repository = repository
        self.world = world
    }

    /// - Parameter path: A path relative to that of the repository.
    func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
        HTTPRequest(
            method, world.server.endpoint,
            path: "/repos/\(percentEncoded(repository.owner))/\(percentEncoded(repository.name))/\(path)")
    }

    func get<Answer: Decodable>(_ request: HTTPRequest, about subject: GitHubSubject) async throws -> Answer {
        try decode(try await send(request, about: subject, isRepeatable: true), subject)
    }

    /// The items of all pages.
    func all<Item: Decodable>(_ first: HTTPRequest, about subject: GitHubSubject) async throws -> [Item] {
        var items: [Item] = []
        var next: HTTPRequest? = first
        next?.add(query: "per_page", 100)
        while let page = next {
            let response = try await send(page, about: subject, isRepeatable: true)
            items += try decode(response, subject) as [Item]
            next = try following(response, subject)
            // A page that refers to itself as the next would cause an endless loop.
            guard next != page else { break }
        }
        return items
    }

    func send(
        _ request: HTTPRequest, about subject: GitHubSubject, isRepeatable: Bool
    ) async throws -> HTTPResponse {
        var call = GitHubCall(request, about: subject, isRepeatable: isRepeatable, world)
        return try await call.run()
    }

    func decode<Answer: Decodable>(_ response: HTTPResponse, _ subject: GitHubSubject) throws -> Answer {
        do { return try JSONDecoder().decode(Answer.self, from: Data(response.body)) } catch {
            throw Failure(
                .unavailable, "unexpected response to the request for \(subject)",
                advice: "check the URL of the server; a proxy may have answered instead of GitHub"
            )
        }
    }

    /// `Link: <https://api.github.com/…?page=2>; rel="next", <…>; rel="last"`
    /// Source: RFC 8288.
    private func following(_ response: HTTPResponse, _ subject: GitHubSubject) throws -> HTTPRequest? {
        guard let link = response.header("link"),
            let address = link.firstMatch(of: /<([^>]*)>[^,]*;\s*rel="?next"?(?:[\s;,]|$)/)
        else { return nil }
        guard let request = world.server.request(.get, for: String(address.1)) else {
            throw Failure(
                .unavailable, "the next page of \(subject) is on another server: \(address.1)",
                advice: "the token is only sent to \(world.server.endpoint.host); check the URL of the server")
        }
        return request
    }
}

/// One API call with all its attempts and waits.
struct GitHubCall {
    /// Whether the request is idempotent, so that it can be sent again if its outcome is unknown.
    private let isRepeatable: Bool
    private let subject: GitHubSubject
    private let world: GitHubWorld
    private var request: HTTPRequest
    private var attempt = 0
    private var waits = 0
    private var waited: Duration = .zero
    private var redirects = 0

    init(_ request: HTTPRequest, about subject: GitHubSubject, isRepeatable: Bool, _ world: GitHubWorld) {
        self.subject = subject
        self.isRepeatable = isRepeatable
        self.world = world
        self.request = Self.withStandardHeaders(request, world.token)
    }

    mutating func run() async throws -> HTTPResponse {
        while true {
            attempt += 1
            do {
                let response = try await world.transport.send(request, within: .seconds(60))
                if response.isSuccess { return response }
                if try follow(response) { continue }
                if let limit = GitHubRateLimit(response, at: world.time.now(), earlier: waits) {
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

    private static func withStandardHeaders(_ request: HTTPRequest, _ token: GitHubToken) -> HTTPRequest {
        var request = request
        request.headers += [
            .init("accept", "application/vnd.github+json"), .init("authorization", "Bearer \(token.value)"),
            .init("user-agent", "dss"), .init("x-github-api-version", "2022-11-28"),
        ]
        if !request.body.isEmpty { request.add(header: "content-type", "application/json") }
        return request
    }

    /// Follows a redirect, which GitHub sends for a renamed repository.
    private mutating func follow(_ response: HTTPResponse) throws -> Bool {
        guard [301, 302, 307, 308].contains(response.status), let place = response.header("location") else {
            return false
        }
        redirects += 1
        guard redirects <= 3, let next = world.server.request(request.method, for: place) else {
            throw Failure(
                .unavailable, "GitHub redirects the request for \(subject) to \(place)",
                advice: "the token is only sent to \(world.server.endpoint.host); check the URL of the server")
        }
        (request.path, request.query) = (next.path, next.query)
        attempt -= 1
        return true
    }

    private mutating func wait(for limit: GitHubRateLimit) async throws {
        let name = limit.isPrimary ? "GitHub rate limit exceeded" : "GitHub secondary rate limit exceeded"
        let seconds = limit.pause.components.seconds
        guard waited + limit.pause <= world.patience else {
            throw Failure(
                .temporary, "\(name) for \(subject)",
                advice: "run the same command again in \(seconds) s")
        }
        world.tell("\(name), retrying in \(seconds) s")
        try await world.time.sleep(limit.pause)
        waited += limit.pause
        waits += 1
        // A rate limit does not count as a failed attempt.
        attempt -= 1
    }

    private func pause() async throws {
        try await world.time.sleep(
            world.backoff.pause(after: attempt, isThrottled: false, chance: world.time.random()))
    }
}

/// A response that reports an exceeded rate limit, and the time to wait.
///
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
struct GitHubRateLimit: Equatable {
    /// Whether it is the hourly limit, as opposed to a secondary limit on bursts of requests.
    var isPrimary: Bool
    var pause: Duration

    /// - Parameter earlier: The number of previous waits of this call; if the response has no time, each wait is twice
    ///   as long as the previous one.
    /// - Returns: `nil` for other errors, such as a missing permission, which have the same status.
    init?(_ response: HTTPResponse, at now: Date, earlier: Int) {
        guard response.status == 403 || response.status == 429 else { return nil }
        isPrimary = response.header("x-ratelimit-remaining") == "0"
        if let seconds = response.header("retry-after").flatMap({ Int64($0) }) {
            pause = .seconds(max(1, seconds))
        } else if isPrimary, let reset = response.header("x-ratelimit-reset").flatMap({ Double($0) }) {
            let seconds = Date(timeIntervalSince1970: reset).timeIntervalSince(now)
            pause = .seconds(max(1, Int64(min(seconds, 86_400)) + 1))
        } else if response.status == 429 || GitHubErrorResponse(response).isAboutRate {
            pause = .seconds(60 << min(earlier, 6))
        } else {
            return nil
        }
    }
}

/// The external dependencies of a GitHub client; created in one place, and replaced in tests.
package struct GitHubWorld: Sendable {
    package var transport: any Transport
    package var server: GitHubServer
    package var token: GitHubToken
    package var time: CallTime
    package var backoff: Backoff
    /// The maximum total time that one call waits for GitHub's rate limits.
    package var patience: Duration
    /// Called with the reason for each wait.
    package var tell: @Sendable (String) -> Void

    /// - Parameter patience: The default is longer than the minutes of a secondary limit, but shorter than the hour of
    ///   the primary limit, because users want to know before they wait for an hour.
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

/// The server of the GitHub API: github.com, or a GitHub Enterprise Server.
package struct GitHubServer: Sendable, Equatable {
    package static let standard = "https://api.github.com"

    let endpoint: Endpoint

    /// - Parameter url: A URL such as `https://github.example.com/api/v3`.
    /// - Throws: `Failure` if the URL is invalid or a token must not be sent there.
    package init(url: String) throws {
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(
                .usage, "'\(url)' is not the URL of a GitHub API",
                advice: "for GitHub Enterprise Server, use https://HOST/api/v3")
        }
        guard endpoint.scheme == "https" || endpoint.isLoopback else {
            throw Failure(
                .usage, "\(url) does not use HTTPS, so the token would be sent unencrypted",
                advice: "use a URL that starts with https://")
        }
        self.endpoint = endpoint
    }

    /// A request for a URL from a response, such as that of the next page.
    /// - Returns: `nil` if the URL is on another server, which must not receive the token.
    func request(_ method: HTTPRequest.Method, for address: String) -> HTTPRequest? {
        guard let parts = URLComponents(string: address), parts.user == nil else { return nil }
        if let host = parts.host {
            let port = parts.port == (endpoint.scheme == "https" ? 443 : 80) ? nil : parts.port
            guard parts.scheme == endpoint.scheme, host.lowercased() == endpoint.host.lowercased(),
                port == endpoint.port
            else { return nil }
        }
        let path = parts.percentEncodedPath
        guard path.hasPrefix(endpoint.basePath + "/") else { return nil }
        let query = (parts.queryItems ?? []).map { HTTPRequest.Pair($0.name, $0.value ?? "") }
        return HTTPRequest(method, endpoint, path: String(path.dropFirst(endpoint.basePath.count)), query: query)
    }
}

/// The error response of the GitHub API.
struct GitHubErrorResponse: Decodable {
    struct Mistake: Decodable {
        var resource: String?
        var field: String?
        var code: String?
        var message: String?

        var sentence: String {
            message ?? [resource, field, code].compactMap(\.self).joined(separator: " ")
        }
    }

    var message: String
    var documentation: String?
    var mistakes: [Mistake]

    enum CodingKeys: String, CodingKey {
        case message
        case documentation = "documentation_url"
        case mistakes = "errors"
    }

    init(_ response: HTTPResponse) {
        if let complaint = try? JSONDecoder().decode(Self.self, from: Data(response.body)) {
            self = complaint
        } else {
            (message, documentation, mistakes) = ("status \(response.status)", nil, [])
        }
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        message = try values.decode(String.self, forKey: .message)
        documentation = try? values.decode(String.self, forKey: .documentation)
        // Some services behind GitHub's API send strings here.
        mistakes = (try? values.decode([Mistake].self, forKey: .mistakes)) ?? []
    }

    /// Whether the error is about a secondary rate limit. Its status is 403 like that of other errors; only the message
    /// or the documentation URL distinguishes it.
    var isAboutRate: Bool {
        message.lowercased().contains("rate limit") || documentation?.contains("rate-limit") == true
    }
}
