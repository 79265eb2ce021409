import AWSCore
import Foundation
import Testing

@Suite("Wrong clocks, expired keys and error messages")
struct ClockAndKeysTests {
    static let anHourLater = VirtualTime.start.addingTimeInterval(3600)

    @Test(
        "a wrong clock is corrected once from the response's date, also for later calls",
        arguments: ["RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired"])
    func skew(_ code: String) async throws {
        let script = Script([.refusal(code, status: 403, date: Self.anHourLater), .toys, .toys])
        let client = client(script)
        _ = try await client.call(Toy.MakeToy())
        _ = try await client.call(Toy.ListToys())
        #expect(script.requests.map(\.date) == ["20260102T030405Z", "20260102T040405Z", "20260102T040405Z"])
    }

    @Test("a second rejection is final")
    func skewTwice() async throws {
        let script = Script(
            Array(repeating: .refusal("SignatureDoesNotMatch", status: 403, date: Self.anHourLater), count: 3))
        let error = await #expect(throws: AWSError.self) { try await client(script).call(Toy.ListToys()) }
        #expect(script.requests.count == 2 && error?.kind == .credentials)
    }

    @Test("a wrong secret is not mistaken for a wrong clock")
    func wrongSecret() async throws {
        let script = Script([.refusal("SignatureDoesNotMatch", status: 403, date: VirtualTime.start), .toys])
        let error = await #expect(throws: AWSError.self) { try await client(script).call(Toy.ListToys()) }
        #expect(script.requests.count == 1 && error?.kind == .credentials)
    }

    @Test(
        "expired credentials are renewed once", arguments: ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
    func expired(_ code: String) async throws {
        let script = Script([.refusal(code, status: 403, date: VirtualTime.start), .toys])
        _ = try await client(script).call(Toy.MakeToy())
        #expect(script.requests.map { $0.authorization.contains("Credential=KEY2/") } == [false, true])

        let always = Script(Array(repeating: .refusal(code, status: 403, date: VirtualTime.start), count: 5))
        let error = await #expect(throws: AWSError.self) { try await client(always).call(Toy.ListToys()) }
        #expect(always.requests.count == 2 && error?.kind == .credentials)
        #expect(error?.advice?.contains("log in and run") == true)
    }

    @Test("errors and records contain no secret, even if AWS echoes it")
    func secrets() async throws {
        let records = Records()
        let echo = "The Canonical String was: x-amz-security-token:\(Keys.token) \(Keys.secret)"
        let script = Script([.refusal("SignatureDoesNotMatch", echo, status: 403, date: VirtualTime.start)])
        let error = await #expect(throws: AWSError.self) {
            try await client(script, records: records).call(Toy.ListToys())
        }
        var said = ""
        dump(error, to: &said)
        dump(records.all, to: &said)
        dump(try await Keys().credentials(insteadOf: nil), to: &said)
        said += "\(try await Keys().credentials(insteadOf: nil)) \(String(reflecting: error))"
        #expect(said.contains("The Canonical String was"))
        #expect(!said.contains(Keys.token) && !said.contains(Keys.secret))
    }

    @Test(
        "advice for the common failures",
        arguments: [
            ("AccessDenied", "User: x is not authorized to perform: toy:Play on resource: y", "toy:Play"),
            ("UnauthorizedOperation", "You are not authorized", "toy:ListToys"),
            ("InvalidClientTokenId", "The security token is invalid", "dss whoami"),
            ("AuthorizationHeaderMalformed", "the region 'x' is wrong; expecting 'eu-west-1'", "--region eu-west-1"),
            ("ToyLimitExceeded", "too many toys", "Service Quotas"),
        ])
    func advice(code: String, message: String, expected: String) async throws {
        let script = Script([.refusal(code, message, status: 403, date: VirtualTime.start)])
        let error = await #expect(throws: AWSError.self) { try await client(script).call(Toy.ListToys()) }
        #expect(error?.advice?.contains(expected) == true)
        #expect(error?.description.contains("Toy Box ListToys failed with \(code): \(message)") == true)
    }

    @Test("every attempt is recorded, with the pause that follows")
    func records() async throws {
        let records = Records()
        let script = Script([.refusal("Throttling", "slow down"), .toys])
        _ = try await client(script, records: records).call(Toy.ListToys())
        #expect(records.all.map(\.attempt) == [1, 2])
        #expect(records.all.map(\.error) == ["Throttling: slow down", nil])
        #expect(records.all.map(\.retryIn) == [.seconds(1), nil])
        #expect(records.all[0].requestID == "REQUEST" && records.all[1].status == 200)
        #expect(records.all[0].host == "toy.eu-central-1.amazonaws.com")
    }
}

extension HTTPRequest {
    fileprivate var date: String? { headers.first { $0.name == "x-amz-date" }?.value }
    fileprivate var authorization: String { headers.first { $0.name == "authorization" }?.value ?? "" }
}
