import AWSCore
import Foundation
import Synchronization

/// A transport that responds from a script and records the requests.
final class Script: Transport {
    enum Step: Sendable {
        case answer(Int, String, headers: [String: String] = [:])
        case fail(TransportError.Kind)
        /// Responds after some seconds of virtual time.
        case slow(Double, String)
    }

    private let state: Mutex<(steps: [Step], requests: [HTTPRequest])>
    let time: VirtualTime

    init(_ steps: [Step], _ time: VirtualTime = VirtualTime()) {
        state = Mutex((steps, []))
        self.time = time
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var unused: Int { state.withLock { $0.steps.count } }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let step: Step? = state.withLock { state in
            state.requests.append(request)
            return state.steps.isEmpty ? nil : state.steps.removeFirst()
        }
        switch step {
        case .answer(let status, let body, let headers):
            return HTTPResponse(
                status: status, headers: headers.map { .init($0.key, $0.value) }, body: Array(body.utf8))
        case .fail(let kind): throw TransportError(kind, "pretended: \(kind)")
        case .slow(let seconds, let body):
            time.advance(by: .seconds(seconds))
            return HTTPResponse(status: 200, body: Array(body.utf8))
        case nil: throw TransportError(.notConnected, "the script has ended")
        }
    }
}

/// A clock that advances only through sleeping.
final class VirtualTime: Sendable {
    private let state: Mutex<(uptime: Duration, sleeps: [Duration])> = Mutex((.zero, []))
    static let start = try! Date("2026-01-02T03:04:05Z", strategy: .iso8601)

    var sleeps: [Duration] { state.withLock { $0.sleeps } }
    var uptime: Duration { state.withLock { $0.uptime } }

    func advance(by duration: Duration) { state.withLock { $0.uptime += duration } }

    func callTime(chance: Double = 1) -> CallTime {
        CallTime(
            now: { Self.start.addingTimeInterval(Double(self.uptime.components.seconds)) },
            uptime: { self.uptime },
            sleep: { pause in
                try Task.checkCancellation()
                self.state.withLock { $0.sleeps.append(pause) }
                self.advance(by: pause)
            },
            random: { chance })
    }
}

/// Returns a key, and a different one for each rejected key.
final class Keys: CredentialSource {
    private let issued = Mutex(1)
    static let secret = "the-secret/with+signs"
    static let token = "the-session-token=="

    func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        let number = issued.withLock { number in
            if refused?.accessKeyID == "KEY\(number)" { number += 1 }
            return number
        }
        return Credentials(
            accessKeyID: "KEY\(number)", secretAccessKey: Self.secret, sessionToken: Self.token, origin: "test")
    }
}

/// Collects the records of a client's attempts.
final class Records: Sendable {
    private let records: Mutex<[CallRecord]> = Mutex([])
    var all: [CallRecord] { records.withLock { $0 } }
    func add(_ record: CallRecord) { records.withLock { $0.append(record) } }
}

func client(
    _ script: Script, records: Records = Records(), backoff: Backoff = .init(), limit: Duration = .seconds(600)
) -> AWSClient {
    AWSClient(
        region: "eu-central-1",
        world: ClientWorld(
            transport: script, credentials: Keys(), limit: limit, backoff: backoff,
            time: script.time.callTime(), observe: { records.add($0) }))
}

/// Operations of a fictional service, one for each kind of retry.
enum Toy {
    static let service = Service(
        id: "Toy Box", signingName: "toy", version: "2026-01-01", targetPrefix: "Toy", keys: .camel, concurrency: 2)

    struct Toys: Codable, Sendable, Equatable { var names: [String] }

    struct ListToys: JSONOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.harmless
        typealias Output = Toys
    }

    struct MakeToy: JSONOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.never
        typealias Output = Toys
        var name = "bear"
    }

    struct OrderToy: JSONOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.token(\.clientToken)
        typealias Output = Toys
        var clientToken: String?
    }

    struct DropToy: JSONOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.removal(gone: ["NoSuchToy"], Toys(names: []))
        typealias Output = Toys
    }

    struct NameToy: JSONOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.lookup(taken: ["ToyExists"]) { operation, client in
            let toys = try await client.call(ListToys()).names.filter { $0 == operation.name }
            return toys.isEmpty ? nil : Toys(names: toys)
        }
        typealias Output = Toys
        var name = "bear"
    }

    struct PageToys: JSONOperation, PagedOperation {
        static let service = Toy.service
        static let retrySafety = RetrySafety<Self>.harmless
        struct Output: Codable, Sendable {
            var names: [String]
            var nextToken: String?
        }
        var nextToken: String?

        static func items(of page: Output) -> [String] { page.names }
        mutating func turn(after page: Output) throws -> Bool { try AWSCore.advance(&nextToken, to: page.nextToken) }
    }
}

extension Script.Step {
    static let toys = Script.Step.answer(200, #"{"names":["bear"]}"#)
    static let noToys = Script.Step.answer(200, #"{"names":[]}"#)

    static func refusal(_ code: String, _ message: String = "no", status: Int = 400, date: Date? = nil) -> Script.Step {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        var headers = ["x-amzn-requestid": "REQUEST"]
        headers["Date"] = date.map { formatter.string(from: $0) }
        return .answer(status, #"{"__type":"com.amazon.toy#\#(code)","message":"\#(message)"}"#, headers: headers)
    }
}
