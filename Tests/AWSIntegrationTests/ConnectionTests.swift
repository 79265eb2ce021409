import AWSCore
import AWSServices
import Foundation
import HTTPTransport
import Synchronization
import Testing

/// What becomes of connections that do not come about: nothing was sent, so everything may be sent again.
@Suite("Connections")
struct ConnectionTests {
    @Test(
        "a missing connection is not reported as a lost response",
        arguments: [
            ("http://127.0.0.1:1", "refused"), ("http://no-such-host.invalid:80", "no-such-host.invalid"),
            ("https://127.0.0.1:1", "refused"),
        ])
    func none(url: String, reason: String) async throws {
        let endpoint = try #require(Endpoint(url: url, signingRegion: ""))
        let error = await #expect(throws: TransportError.self) {
            try await withHTTPTransport { try await $0.send(HTTPRequest(.get, endpoint), within: .seconds(60)) }
        }
        #expect(error?.kind == .notConnected, "\(String(describing: error))")
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("a server without TLS counts as not connected")
    func noTLS() async throws {
        let server = try Listener(answer: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        let endpoint = try #require(Endpoint(url: "https://127.0.0.1:\(server.port)", signingRegion: ""))
        let error = await #expect(throws: TransportError.self) {
            try await withHTTPTransport { try await $0.send(HTTPRequest(.get, endpoint), within: .seconds(60)) }
        }
        #expect(error?.kind == .notConnected, "\(String(describing: error))")
    }

    @Test("a proxy gets user and password, and neither is in the error if it rejects them")
    func proxy() async throws {
        let server = try Listener(answer: "HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n")
        let endpoint = try #require(Endpoint(url: "https://example.test", signingRegion: ""))
        let proxy = HTTPSettings.Proxy(host: "127.0.0.1", port: server.port, login: ("me", "sEcReT"))
        let error = await #expect(throws: TransportError.self) {
            try await withHTTPTransport(HTTPSettings(proxy: proxy)) {
                try await $0.send(HTTPRequest(.get, endpoint), within: .seconds(60))
            }
        }
        #expect(server.received.hasPrefix("CONNECT example.test:443 HTTP/1.1\r\n"))
        let login = Data("me:sEcReT".utf8).base64EncodedString()
        #expect(server.received.lowercased().contains("proxy-authorization: basic \(login.lowercased())\r\n"))
        #expect(error?.kind == .notConnected && error?.message.contains("user or password") == true)
        #expect("\(String(describing: error))".contains("sEcReT") == false)
    }

    @Test("cancellation ends a waiting call at once")
    func cancel() async throws {
        let server = try Listener(answer: "")
        let endpoint = try #require(Endpoint(url: "http://127.0.0.1:\(server.port)", signingRegion: ""))
        let task = Task {
            try await withHTTPTransport { try await $0.send(HTTPRequest(.get, endpoint), within: .seconds(60)) }
        }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// Accepts connections on the loopback device and answers each with the same bytes, or with nothing.
private final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let last = Note()
    /// The beginning of the last request.
    var received: String { last.text.withLock { $0 } }

    private final class Note: Sendable {
        let text = Mutex("")
    }

    init(answer: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = descriptor
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard status else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [last] in
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                var request = [UInt8](repeating: 0, count: 4096)
                let count = recv(connection, &request, request.count, 0)
                last.text.withLock { $0 = String(decoding: request.prefix(max(count, 0)), as: UTF8.self) }
                _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            }
        }
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
