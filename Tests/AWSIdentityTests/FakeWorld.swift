import AWSCore
import Foundation
import Synchronization

@testable import AWSIdentity

/// An in-memory world: files, programs, responses and a clock that advances only when set.
final class FakeWorld: Sendable {
    struct State {
        var environment: [String: String] = [:]
        var files: [String: String] = [:]
        var unreadable: Set<String> = []
        var written: [String: String] = [:]
        var warnings: [String] = []
        var requests: [HTTPRequest] = []
        var commands: [[String]] = []
        var prompts: [String] = []
        var output: Result<String, CredentialProcessFailure> = .failure(.init("was not expected"))
        var now = Date(timeIntervalSince1970: 1_800_000_000)
        var slept: [Duration] = []
        var answer: @Sendable (HTTPRequest) throws -> HTTPResponse = { request in
            throw TransportError(.notConnected, "nobody is at \(request.endpoint.host)")
        }
    }

    let state: Mutex<State>

    init(
        environment: [String: String] = [:], config: String? = nil, credentials: String? = nil,
        files: [String: String] = [:], answer: (@Sendable (HTTPRequest) throws -> HTTPResponse)? = nil
    ) {
        var state = State()
        state.environment = environment
        state.files = files
        state.files["/home/ada/.aws/config"] = config
        state.files["/home/ada/.aws/credentials"] = credentials
        if let answer { state.answer = answer }
        self.state = Mutex(state)
    }

    subscript<T: Sendable>(path: any WritableKeyPath<State, T> & Sendable) -> T {
        get { state.withLock { $0[keyPath: path] } }
        set { state.withLock { $0[keyPath: path] = newValue } }
    }

    var world: IdentityWorld {
        IdentityWorld(
            environment: self[\.environment], home: "/home/ada",
            readFile: { path in
                try self.state.withLock {
                    if $0.unreadable.contains(path) { throw Unreadable() }
                    return ($0.written[path] ?? $0.files[path]).map { Array($0.utf8) }
                }
            },
            writeFile: { path, text in self.state.withLock { $0.written[path] = text } },
            runProcess: { words in
                try self.state.withLock {
                    $0.commands.append(words)
                    return try $0.output.get()
                }
            },
            askMFACode: { serial in
                self.state.withLock { $0.prompts.append(serial) }
                return "123456"
            },
            warn: { text in self.state.withLock { $0.warnings.append(text) } },
            transport: FakeTransport(world: self),
            time: CallTime(
                now: { self[\.now] }, uptime: { .seconds(self[\.now].timeIntervalSince1970) },
                sleep: { pause in self.state.withLock { $0.slept.append(pause) } }, random: { 0 }))
    }

    struct Unreadable: Error, CustomStringConvertible { var description: String { "Permission denied" } }

    /// - Parameter hosts: The names that the resolver knows; `nil` for all.
    func find(profile: String? = nil, region: String? = nil, hosts: [String]? = nil) async throws -> Identity {
        var world = world
        if let hosts { world.hostExists = { hosts.contains($0) } }
        return try await Identity.find(profile: profile, region: region, in: world)
    }

    func credentials(profile: String? = nil) async throws -> Credentials {
        try await find(profile: profile).keeper.credentials(insteadOf: nil)
    }
}

struct FakeTransport: Transport {
    let world: FakeWorld

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let answer = world.state.withLock {
            $0.requests.append(request)
            return $0.answer
        }
        return try answer(request)
    }
}

extension HTTPResponse {
    static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, body: Array(text.utf8))
    }

    /// The response of STS to AssumeRole and similar calls.
    static func issued(_ operation: String, key: String = "ASIAROLE", expires: String = "2027-01-15T09:00:00Z")
        -> HTTPResponse
    {
        .text(
            """
            <\(operation)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(operation)Result><Credentials>\
            <AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>\
            <SessionToken>role-token</SessionToken><Expiration>\(expires)</Expiration></Credentials>\
            </\(operation)Result></\(operation)Response>
            """)
    }
}

extension HTTPRequest {
    var form: String { String(decoding: body, as: UTF8.self) }
}
