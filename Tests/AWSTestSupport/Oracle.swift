import Foundation

/// botocore's opinion, from Tests/AWSEmulator/oracle.py: how it signs, serializes, parses and resolves.
package struct Oracle: Sendable {
    private let process: PythonProcess

    /// One process for all tests that ask.
    package static let shared = Result { try Oracle() }

    private init() throws {
        process = try PythonProcess(["Tests/AWSEmulator/oracle.py"])
    }

    /// - Parameter question: a JSON object with `do` and what that takes.
    package func ask(_ question: [String: Any]) async throws -> [String: Any] {
        let line = try JSONSerialization.data(withJSONObject: question)
        let answer = try await process.ask(String(decoding: line, as: UTF8.self))
        let object = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any] ?? [:]
        if let error = object["error"] { throw Complaint(description: "the oracle says: \(error)") }
        return object
    }

    package struct Complaint: Error, CustomStringConvertible {
        package var description: String
    }
}
