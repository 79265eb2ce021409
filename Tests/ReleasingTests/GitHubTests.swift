import AWSCore
import Foundation
import Sandbox
import Testing

@testable import Releasing

@Suite("GitHub")
struct GitHubTests {
    private func failure(_ body: () async throws -> Void) async -> Failure? {
        do {
            try await body()
            return nil
        } catch { return error as? Failure }
    }

    // What works

    @Test("gives all releases over all pages, also below the path of an Enterprise server", arguments: ["", "/api/v3"])
    func pages(base: String) async throws {
        let hub = try await FakeGitHub((0..<230).map { .init(title: "Release \($0)") })
        let found = try await hub.with(base: base) { try await $0.releases() }
        #expect(found.map(\.id) == hub.ids.reversed())
        #expect(try await hub.calls().count == 3)
    }

    @Test("shows drafts only to whoever may write")
    func drafts() async throws {
        let hub = try await FakeGitHub([.init(title: "Seen"), .init(title: "Draft", isDraft: true)])
        #expect(try await hub.with { try await $0.releases() }.map(\.title) == ["Draft", "Seen"])
        #expect(try await hub.with(token: FakeGitHub.reader) { try await $0.releases() }.map(\.title) == ["Seen"])
    }

    @Test("follows a repository to its new name, for reading and for writing")
    func moved() async throws {
        let hub = try await FakeGitHub()
        let old = "example/old-\(UUID().uuidString.prefix(8).lowercased())"
        try await hub.move(from: old)
        try await hub.with { client in
            let client = GitHubClient(try GitHubRepository(old), client.world)
            #expect(try await client.release(hub.ids[0]).body == "Words.")
            #expect(try await client.setBody("New.", ofRelease: hub.ids[0]).body == "New.")
        }
    }

    // Notes

    @Test("keeps other text of the notes and writes once")
    func update() async throws {
        let hub = try await FakeGitHub()
        let notes = ReleaseNotes(try sampleRelease(), changes: "- New.", containerImage: nil)
        try await hub.with { client throws in
            let update = ReleaseNotesUpdate(client, release: hub.ids[0])
            #expect(try await update.preview(notes)?.contains("- New.") == true)
            #expect(try await update.run(notes).isChanged)
            #expect(try await !update.run(notes).isChanged)
            #expect(try await update.preview(notes) == nil)
        }
        let body = try #require(try await hub.bodies()[0])
        #expect(body.hasPrefix("Words.\n\n<!-- dss:begin -->\n## Changes\n\n- New."))
        #expect(try await hub.calls().filter { $0.hasPrefix("PATCH") }.count == 1)
    }

    // Faults

    @Test(
        "is asked again after a failure or a lost answer, also for a change that may be done twice",
        arguments: [
            "lose", "lose-answer", "truncate", "status",
        ])
    func again(kind: String) async throws {
        let hub = try await FakeGitHub()
        try await hub.order(kind, ["method": "PATCH", "status": 502])
        let release = try await hub.with { try await $0.setBody("Once.", ofRelease: hub.ids[0]) }
        #expect(release.body == "Once.")
        #expect(hub.notices.sleeps.all.count == 1)
    }

    @Test("gets no second draft when the answer to the first is lost", arguments: ["lose", "lose-answer", "truncate"])
    func lostDraft(kind: String) async throws {
        let hub = try await FakeGitHub([.init(title: "Test", isDraft: true)])
        try await hub.order(kind, ["method": "POST"])
        let failure = await failure {
            try await hub.with { client in
                let made = try await client.createDraft(tag: "1.0.0", branch: "main", title: "Test")
                #expect(!hub.ids.contains(made.id) && made.isDraft)
            }
        }
        #expect((failure == nil) == (kind != "lose"))
        #expect(try await hub.bodies().count == (kind == "lose" ? 1 : 2))
    }

    @Test(
        "is waited for where it limits the rate, with a notice",
        arguments: [
            ("primary", ["seconds": 30], 25...40), ("secondary", ["seconds": 7], 7...7), ("secondary", [:], 60...60),
            ("secondary", ["status": 429], 60...60),
        ] as [(String, [String: Int], ClosedRange<Int64>)])
    func limits(kind: String, more: [String: Int], seconds: ClosedRange<Int64>) async throws {
        let hub = try await FakeGitHub()
        try await hub.order(kind, more)
        _ = try await hub.with { try await $0.release(hub.ids[0]) }
        let sleeps = hub.notices.sleeps.all.map(\.components.seconds)
        #expect(sleeps.count == 1 && seconds.contains(sleeps[0]), "\(sleeps)")
        #expect(hub.notices.texts.all.first?.contains("retrying in \(sleeps[0]) s") == true)
    }

    @Test("waits grow and are limited")
    func patience() async throws {
        let hub = try await FakeGitHub()
        try await hub.order("secondary", ["times": 10])
        let failure = await failure { _ = try await hub.with { try await $0.release(hub.ids[0]) } }
        #expect(hub.notices.sleeps.all.map(\.components.seconds) == [60, 120, 240, 480])
        #expect(failure?.code == .temporary)
        #expect(failure?.advice?.contains("in 960 s") == true)
    }

    @Test("says at once when the limit of the hour is used up")
    func hour() async throws {
        let hub = try await FakeGitHub()
        try await hub.order("primary", ["seconds": 3000])
        let failure = await failure { _ = try await hub.with { try await $0.release(hub.ids[0]) } }
        #expect(failure?.code == .temporary && hub.notices.sleeps.all.isEmpty)
    }

    @Test("refusals have an exit code and advice, and never show the token")
    func refusals() async throws {
        let hub = try await FakeGitHub()
        let number = hub.ids[0]
        let cases: [(String, [String: Any]?, Failure.Code, String)] = [
            ("ghp_secretOfNobody", nil, .noPermission, "rejected the token in GH_TOKEN: Bad credentials"),
            (FakeGitHub.reader, nil, .noPermission, "contents=write"),
            (FakeGitHub.writer, ["status": 404], .badData, "has no access to it"),
            (FakeGitHub.writer, ["status": 422, "message": "Validation Failed"], .badData, "Validation Failed"),
            (FakeGitHub.writer, ["status": 503, "times": 5], .temporary, "githubstatus"),
            (
                FakeGitHub.writer,
                [
                    "status": 403, "message": "Resource protected by organization SAML enforcement.",
                    "headers": ["X-GitHub-SSO": "required; url=https://github.com/orgs/example/sso?x=1"],
                ], .noPermission, "authorize the token for the organization: https://github.com/orgs/example/sso?x=1"
            ),
        ]
        for (token, fault, code, words) in cases {
            if let fault { try await hub.order("status", fault) }
            let failure = await failure {
                _ = try await hub.with(token: token) { try await $0.setBody("x", ofRelease: number) }
            }
            #expect(failure?.code == code, "\(failure?.description ?? "none")")
            #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "none")")
            #expect(failure?.description.contains("ghp_") == false)
        }
    }

    @Test("names a classic token's scopes where it shows nothing")
    func scopes() async throws {
        let hub = try await FakeGitHub([.init(title: "Draft", isDraft: true)])
        let failure = await failure {
            _ = try await hub.with(token: FakeGitHub.reader) { try await $0.release(hub.ids[0]) }
        }
        #expect(failure?.code == .badData && failure?.details == ["the token's scopes: gist"])
    }

    @Test("is not believed where something else answers, nor followed to another server")
    func others() async throws {
        let hub = try await FakeGitHub()
        try await hub.order("not-json")
        #expect(await failure { _ = try await hub.with { try await $0.release(hub.ids[0]) } }?.code == .unavailable)
        try await hub.order("elsewhere")
        let failure = await failure { _ = try await hub.with { try await $0.releases() } }
        #expect(failure?.description.contains("https://api.example.com") == true)
        #expect(failure?.advice?.contains("only sent to 127.0.0.1") == true)
    }

    @Test("cannot be reached where nothing listens")
    func unreachable() async throws {
        let hub = try await FakeGitHub()
        let failure = await failure {
            try await hub.with { client in
                var world = client.world
                world.server = try GitHubServer(url: "http://127.0.0.1:9")
                _ = try await GitHubClient(client.repository, world).release(1)
            }
        }
        #expect(failure?.code == .unavailable && hub.notices.sleeps.all.count == 4)
    }

    // Names and secrets

    @Test("the token goes only where it is safe")
    func servers() throws {
        #expect(throws: Failure.self) { try GitHubServer(url: "http://github.example.com/api/v3") }
        #expect(throws: Failure.self) { try GitHubServer(url: "github.example.com") }
        let server = try GitHubServer(url: "https://github.example.com/api/v3/")
        #expect(
            server.request(.get, for: "https://github.example.com/api/v3/x?page=2")?.url.hasSuffix("/api/v3/x?page=2")
                == true)
        for other in [
            "https://github.example.org/api/v3/x", "http://github.example.com/api/v3/x", "https://github.example.com/x",
            "https://u@github.example.com/api/v3/x", "https://github.example.com:8443/api/v3/x",
        ] {
            #expect(server.request(.get, for: other) == nil, "\(other)")
        }
    }

    @Test("the token is read from either variable and never shown")
    func token() throws {
        let token = try GitHubToken(in: ["GITHUB_TOKEN": " ghp_x1\n", "GH_TOKEN": ""])
        #expect(token.origin == "GITHUB_TOKEN" && token.value == "ghp_x1")
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains("ghp_"))
        #expect(throws: Failure.self) { try GitHubToken(in: [:]) }
        #expect { try GitHubToken(in: ["GH_TOKEN": "ghp_a\r\nx: y"]) } throws: { !"\($0)".contains("ghp_") }
    }

    @Test("repositories have an owner and a name", arguments: ["x", "a/b/c", "../x", "a/..", "a b/c", "/a", ""])
    func repositories(text: String) {
        #expect(throws: Failure.self) { try GitHubRepository(text) }
    }
}
