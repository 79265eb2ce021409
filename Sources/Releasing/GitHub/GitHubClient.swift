import AWSCore
import FoundationEssentials
import Sandbox

/// GitHub's API for one repository.
///
/// Waits where GitHub limits the rate; sends again what was lost on its way where that does no harm; takes the token
/// to no other server.
package struct GitHubClient: Sendable {
    package let repository: GitHubRepository
    let world: GitHubWorld

    package init(_ repository: GitHubRepository, _ world: GitHubWorld) {
        self.repository = repository
        self.world = world
    }

    /// - Parameter path: below the repository's own.
    func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
        HTTPRequest(
            method, world.server.endpoint,
            path: "/repos/\(percentEncoded(repository.owner))/\(percentEncoded(repository.name))/\(path)")
    }

    func get<Answer: Decodable>(_ request: HTTPRequest, about subject: GitHubSubject) async throws -> Answer {
        try decode(try await send(request, about: subject, isRepeatable: true), subject)
    }

    /// All items over all pages.
    func all<Item: Decodable>(_ first: HTTPRequest, about subject: GitHubSubject) async throws -> [Item] {
        var items: [Item] = []
        var next: HTTPRequest? = first
        next?.add(query: "per_page", 100)
        while let page = next {
            let response = try await send(page, about: subject, isRepeatable: true)
            items += try decode(response, subject) as [Item]
            next = try following(response, subject)
            // A page that names itself as the next would be asked for without end.
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
                .unavailable, "the answer about \(subject) is not GitHub's",
                advice: "something between this machine and GitHub seems to have answered, or the server's URL is wrong"
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
                .unavailable, "the next page of \(subject) is said to be at \(address.1)",
                advice: "the token goes to \(world.server.endpoint.host) alone: check the URL of the server")
        }
        return request
    }
}

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

/// Where GitHub's API is: github.com, or an Enterprise server by its URL.
package struct GitHubServer: Sendable, Equatable {
    package static let standard = "https://api.github.com"

    let endpoint: Endpoint

    /// - Parameter url: such as `https://github.example.com/api/v3`.
    /// - Throws: `Failure` where a token must not be sent there.
    package init(url: String) throws {
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(
                .usage, "'\(url)' is not the URL of a GitHub API",
                advice: "an Enterprise server's is https://HOST/api/v3")
        }
        guard endpoint.scheme == "https" || ["127.0.0.1", "localhost", "[::1]"].contains(endpoint.host) else {
            throw Failure(
                .usage, "\(url) is not encrypted: the token would be readable on its way",
                advice: "begin it with https://")
        }
        self.endpoint = endpoint
    }

    /// A request for an address that an answer names, such as that of the next page.
    /// - Returns: `nil` where it is not on this server: the token goes nowhere else.
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

/// What GitHub says of a request that it refuses.
struct GitHubComplaint: Decodable {
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

    /// A secondary limit is a 403 like any other; nothing but its words, or the page that they name, tells.
    var isAboutRate: Bool {
        message.lowercased().contains("rate limit") || documentation?.contains("rate-limit") == true
    }
}
