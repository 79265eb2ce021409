import AWSCore
import Foundation
import Testing

/// Which calls are retried, according to a script in virtual time.
@Suite("Calls")
struct CallTests {
    static let ambiguous: [Script.Step] = [
        .fail(.lost), .fail(.timedOut), .refusal("InternalFailure", status: 500), .refusal("Odd", status: 503),
        .answer(200, "<html>log in</html>"), .answer(200, #"{"names":["be"#), .answer(200, ""),
    ]
    static let undone: [Script.Step] = [
        .fail(.notConnected), .refusal("ThrottlingException"), .refusal("SlowDown", status: 503),
        .refusal("Odd", status: 429),
    ]

    @Test("a read-only call is retried after every transient failure", arguments: ambiguous + undone)
    func harmless(_ failure: Script.Step) async throws {
        let script = Script([failure, .toys])
        #expect(try await client(script).call(Toy.ListToys()).names == ["bear"])
        #expect(script.requests.count == 2)
        #expect(script.time.sleeps.count == 1)
    }

    @Test("an unsafe call is retried only if it had no effect", arguments: undone)
    func refusedBefore(_ failure: Script.Step) async throws {
        let script = Script([failure, .toys])
        #expect(try await client(script).call(Toy.MakeToy()).names == ["bear"])
    }

    @Test("an unsafe call that may have taken effect fails and says so", arguments: ambiguous)
    func never(_ failure: Script.Step) async throws {
        let script = Script([failure, .toys])
        let error = await #expect(throws: AWSError.self) { try await client(script).call(Toy.MakeToy()) }
        #expect(error?.mayHaveTakenEffect == true)
        #expect(script.requests.count == 1)
    }

    @Test("a client token is generated once and sent with every attempt", arguments: ambiguous)
    func token(_ failure: Script.Step) async throws {
        let script = Script([failure, failure, .toys])
        _ = try await client(script).call(Toy.OrderToy())
        let bodies = Set(script.requests.map(\.body))
        #expect(script.requests.count == 3 && bodies.count == 1)
        #expect(String(decoding: bodies.first!, as: UTF8.self).contains(/"clientToken":"[0-9a-f-]{36}"/))
    }

    @Test("a token provided by the caller is kept")
    func givenToken() async throws {
        let script = Script([.toys])
        _ = try await client(script).call(Toy.OrderToy(clientToken: "mine"))
        #expect(String(decoding: script.requests[0].body, as: UTF8.self) == #"{"clientToken":"mine"}"#)
    }

    @Test("a resource missing after an ambiguous removal counts as removed", arguments: ambiguous)
    func removal(_ failure: Script.Step) async throws {
        let script = Script([failure, .refusal("NoSuchToy")])
        _ = try await client(script).call(Toy.DropToy())
        #expect(script.unused == 0)
    }

    @Test("a resource missing at the first attempt is an error")
    func removalOfNothing() async throws {
        let error = await #expect(throws: AWSError.self) {
            try await client(Script([.refusal("NoSuchToy")])).call(Toy.DropToy())
        }
        #expect(error?.code == "NoSuchToy" && error?.kind == .refused)
        #expect(error?.requestID == "REQUEST" && error?.attempts == 1)
    }

    @Test("an ambiguous creation is looked up before the retry", arguments: ambiguous)
    func lookup(_ failure: Script.Step) async throws {
        let found = Script([failure, .toys])
        #expect(try await client(found).call(Toy.NameToy()).names == ["bear"])
        #expect(found.requests.map(\.target) == ["Toy.NameToy", "Toy.ListToys"])

        let late = Script([failure, .noToys, .refusal("ToyExists"), .toys])
        #expect(try await client(late).call(Toy.NameToy()).names == ["bear"])

        let lost = Script([failure, .noToys, .toys])
        #expect(try await client(lost).call(Toy.NameToy()).names == ["bear"])
        #expect(lost.requests.map(\.target) == ["Toy.NameToy", "Toy.ListToys", "Toy.NameToy"])
    }

    @Test("a name taken by someone else is an error")
    func taken() async throws {
        let error = await #expect(throws: AWSError.self) {
            try await client(Script([.refusal("ToyExists"), .toys])).call(Toy.NameToy())
        }
        #expect(error?.code == "ToyExists")
    }

    @Test("each attempt has its own signature")
    func signatures() async throws {
        let script = Script([.fail(.lost), .toys])
        _ = try await client(script, backoff: Backoff(first: .seconds(2))).call(Toy.ListToys())
        let dates = script.requests.compactMap { request in request.headers.first { $0.name == "x-amz-date" }?.value }
        let signatures = Set(script.requests.compactMap { $0.headers.first { $0.name == "authorization" }?.value })
        #expect(dates == ["20260102T030405Z", "20260102T030407Z"] && signatures.count == 2)
        #expect(script.requests.allSatisfy { request in request.headers.filter { $0.name == "host" }.count == 1 })
    }

    @Test("pauses grow up to the limit, and start at one second when throttled")
    func pauses() async throws {
        let script = Script(Array(repeating: .fail(.lost), count: 7) + [.toys])
        _ = try await client(script).call(Toy.ListToys())
        #expect(script.time.sleeps == [0.5, 1, 2, 4, 8, 16, 20].map { .seconds($0) })
        let throttled = Script([.refusal("Throttling"), .refusal("Throttling"), .toys])
        _ = try await client(throttled).call(Toy.ListToys())
        #expect(throttled.time.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test("the number of attempts is limited")
    func attempts() async throws {
        let script = Script(Array(repeating: .refusal("Throttling", "slow down"), count: 20))
        let error = await #expect(throws: AWSError.self) { try await client(script).call(Toy.ListToys()) }
        #expect(error?.attempts == 8 && error?.kind == .temporary && script.requests.count == 8)
    }

    @Test("the call ends at its time limit even if attempts are left")
    func whole() async throws {
        let script = Script(Array(repeating: .fail(.timedOut), count: 20))
        await #expect(throws: AWSError.self) {
            try await client(script, limit: .seconds(3)).call(Toy.ListToys())
        }
        #expect(script.time.uptime < .seconds(3))
    }

    @Test("the retry budget limits the retries of many calls, and successes refill it")
    func budget() async throws {
        let script = Script(Array(repeating: .fail(.lost), count: 1000))
        let client = client(script)
        for _ in 0..<30 { _ = try? await client.call(Toy.ListToys()) }
        // 30 calls would be 240 attempts; 500 tokens pay for 100 retries.
        #expect(script.requests.count == 130)
    }

    @Test("a pause requested by the server is respected")
    func retryAfter() async throws {
        let script = Script([.answer(503, "", headers: ["Retry-After": "7"]), .toys])
        _ = try await client(script).call(Toy.ListToys())
        #expect(script.time.sleeps == [.seconds(7)])
    }

    @Test("a final error is not retried", arguments: ["AccessDeniedException", "ValidationException"])
    func refused(_ code: String) async throws {
        let script = Script([.refusal(code), .toys])
        await #expect(throws: AWSError.self) { try await client(script).call(Toy.ListToys()) }
        #expect(script.requests.count == 1)
    }
}

extension Script.Step: CustomTestStringConvertible {
    var testDescription: String {
        switch self {
        case .answer(let status, let body, _): "\(status) \(body.prefix(40))"
        case .fail(let kind): "\(kind)"
        case .slow(let seconds, _): "after \(seconds) s"
        }
    }
}

extension HTTPRequest {
    fileprivate var target: String { headers.first { $0.name == "x-amz-target" }?.value ?? "" }
}
