import AWSCore
import Foundation
import HTTPTransport

/// The emulator of Tests/AWSEmulator: moto over real HTTP behind a front that checks signatures and injects faults.
package struct AWSEmulator: Sendable {
    package let url: String
    private let process: PythonProcess

    /// One emulator for all tests of this process; each test uses an access key of its own, so that faults and
    /// recorded calls are its own too.
    package static let shared = Task {
        let emulator = try AWSEmulator()
        // Exports go on with every question; a test that wants one to end says so.
        try await emulator.control(["knobs": ["export_polls": 1000]])
        return emulator
    }

    package init() throws {
        process = try PythonProcess(["Tests/AWSEmulator", "--port", "0"])
        let line = try process.readLine()
        guard let start = line.range(of: "http://") else {
            throw PythonProcess.Missing(description: "the emulator said: \(line)")
        }
        url = String(line[start.lowerBound...])
    }

    package func stop() { process.finish() }

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
