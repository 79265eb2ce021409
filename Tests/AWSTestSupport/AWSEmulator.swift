import AWSCore
import Foundation
import HTTPTransport
import Workbench

/// The emulator of Tests/AWSEmulator: moto over real HTTP behind a front end that checks signatures and injects faults.
package struct AWSEmulator: Sendable {
    package let url: String
    private let pid: String

    /// One emulator for all tests of this process that need no account of their own; each of these tests uses its own
    /// access key, so that faults and recorded calls are its own too.
    package static let shared = Task {
        let emulator = try await AWSEmulator()
        // Exports are never done, however often a test asks; a test that wants one to end sets another value.
        try await emulator.control(["knobs": ["export_polls": 1000]])
        return emulator
    }

    /// Every emulator is a fork of this process, because importing moto takes seconds.
    private static let parent = Result { try PythonProcess(["Tests/AWSEmulator", "--fork"]) }

    /// Runs `body` with an emulator of its own: an empty account without faults.
    package static func with<Result>(
        knobs: [String: Any] = [:], _ body: (AWSEmulator) async throws -> Result
    ) async throws -> Result {
        let emulator = try await AWSEmulator()
        return try await finally {
            if !knobs.isEmpty { try await emulator.control(["knobs": knobs]) }
            return try await body(emulator)
        } cleanup: {
            _ = try? await parent.get().ask("stop \(emulator.pid)")
        }
    }

    private init() async throws {
        let answer = try await Self.parent.get().ask("start").split(separator: " ").map(String.init)
        guard answer.count == 2 else { throw PythonProcess.Missing(description: "the emulator said: \(answer)") }
        (pid, url) = (answer[0], answer[1])
    }

    package var endpoint: Endpoint { Endpoint(url: url, signingRegion: "")! }

    /// Sets knobs, faults and keys, reads what was recorded; see Tests/AWSEmulator/README.md.
    @discardableResult
    package func control(
        _ order: [String: Any] = [:], _ method: HTTPRequest.Method = .post, query: [HTTPRequest.Pair] = []
    ) async throws -> [String: Any] {
        var request = HTTPRequest(method, endpoint, path: "/_control", query: query)
        if method == .post {
            request.headers = [.init("content-type", "application/json")]
            request.body = Array(try JSONSerialization.data(withJSONObject: order))
        }
        let response = try await withHTTPTransport { try await $0.send(request, within: .seconds(60)) }
        guard response.isSuccess else {
            throw PythonProcess.Missing(description: String(decoding: response.body, as: UTF8.self))
        }
        return try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any] ?? [:]
    }
}
