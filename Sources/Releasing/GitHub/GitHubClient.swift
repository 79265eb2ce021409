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
