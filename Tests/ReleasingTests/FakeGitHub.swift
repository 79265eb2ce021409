import AWSCore
import AWSTestSupport
import Foundation
import HTTPTransport
import Synchronization

@testable import Releasing

/// The stand-in of Tests/GitHubEmulator, and one repository on it that belongs to one test.
struct FakeGitHub: Sendable {
    let url: String
    let repository: GitHubRepository
    /// Of the releases as they were ordered, in that order.
    let ids: [Int]
    let notices = Notices()

    static let writer = "ghp_secretOfTheWriter"
    static let reader = "ghp_secretOfTheReader"

    private static let shared = Task {
        let process = try PythonProcess(["Tests/GitHubEmulator", "--port", "0"])
        let line = try await process.readLine()
        guard let start = line.range(of: "http://") else { throw NoServer(said: line) }
        return (process, String(line[start.lowerBound...]))
    }

    struct Release: Sendable {
        var title: String
        var body: String?
        var isDraft = false
    }

    init(_ releases: [Release] = [.init(title: "First", body: "Words.")]) async throws {
        url = try await Self.shared.value.1
        repository = try GitHubRepository("example/r-\(UUID().uuidString.prefix(8).lowercased())")
        let orders = releases.map { release -> [String: Any] in
            ["name": release.title, "body": release.body ?? NSNull(), "draft": release.isDraft, "tag_name": "1.0.0"]
        }
        // Tokens of their own, since one that any repository knows is a good one.
        let tokens = [Self.writer: "write", Self.reader: "read, scopes: gist"]
        let order: [String: Any] = [repository.description: ["tokens": tokens, "releases": orders]]
        let answer = try await Self.control(url, ["repositories": order])
        ids = (answer["ids"] as? [String: [Int]])?[repository.description] ?? []
    }

    /// Gives `body` a client whose waits take no time and are noted.
    func with<Result>(
        token: String = writer, base: String = "", patience: Duration = .seconds(900),
        _ body: (GitHubClient) async throws -> Result
    ) async throws -> Result {
        let notices = notices
        return try await withHTTPTransport { transport in
            try await body(
                GitHubClient(
                    repository,
                    GitHubWorld(
                        transport: transport, server: try GitHubServer(url: url + base),
                        token: try GitHubToken(in: ["GH_TOKEN": token]),
                        time: CallTime(
                            now: { Date() }, uptime: { .zero }, sleep: { notices.sleeps.append($0) }, random: { 1 }),
                        patience: patience, tell: { notices.texts.append($0) })))
        }
    }

    func order(_ kind: String, _ more: [String: Any] = [:]) async throws {
        let fault: [String: Any] = ["repository": repository.description, "kind": kind]
        _ = try await Self.control(url, ["faults": [fault.merging(more) { $1 }]])
    }

    func move(from old: String) async throws {
        _ = try await Self.control(url, ["moved": [old: repository.description]])
    }

    /// Method and path of what was done, below the repository.
    func calls() async throws -> [String] {
        (try await state()["calls"] as? [[String: Any]] ?? []).map { call in
            let path = (call["path"] as? String ?? "").split(separator: "/", maxSplits: 3).last ?? ""
            return "\(call["method"] as? String ?? "") \(path) \(call["status"] as? Int ?? 0)"
        }
    }

    func bodies() async throws -> [String?] {
        (try await state()["releases"] as? [[String: Any]] ?? []).map { $0["body"] as? String }
    }

    private func state() async throws -> [String: Any] {
        try await Self.control(url, nil, query: [.init("repository", repository.description)])
    }

    private static func control(
        _ url: String, _ order: [String: Any]?, query: [HTTPRequest.Pair] = []
    ) async throws -> [String: Any] {
        var request = HTTPRequest(
            order == nil ? .get : .post, Endpoint(url: url, signingRegion: "")!, path: "/_control", query: query)
        if let order { request.body = Array(try JSONSerialization.data(withJSONObject: order)) }
        let response = try await withHTTPTransport { try await $0.send(request, within: .seconds(60)) }
        return try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any] ?? [:]
    }
}

/// What was waited for and said.
final class Notices: Sendable {
    let sleeps = Log<Duration>()
    let texts = Log<String>()

    final class Log<Entry: Sendable>: Sendable {
        private let entries = Mutex<[Entry]>([])

        var all: [Entry] { entries.withLock { $0 } }

        func append(_ entry: Entry) { entries.withLock { $0.append(entry) } }
    }
}

/// A server of the tests did not start.
struct NoServer: Error {
    var said: String
}
