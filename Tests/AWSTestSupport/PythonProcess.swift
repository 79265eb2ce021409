import Foundation

/// A Python program of Tests/AWSEmulator in the tests' virtual environment. It ends when this process does, since its
/// standard input then does.
package final class PythonProcess: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// Waits for answers here, because the threads of Swift's tasks, as many as processors, must not wait.
    private let queue = DispatchQueue(label: "PythonProcess")
    private var buffer = Data()

    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// - Throws: where `make test` has not set up the virtual environment.
    package init(_ arguments: [String], environment venv: String = ".venv-aws") throws {
        let python = Self.root.appending(path: "\(venv)/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path()) else {
            throw Missing(description: "\(python.path()) is missing; 'make test' sets it up")
        }
        process.executableURL = python
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit { process.terminate() }

    package var pid: Int32 { process.processIdentifier }

    package func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Ends its standard input, which ends all programs here; signals reach none that was started by a thread which
    /// blocks them, nor one that lives in a namespace of its own.
    package func finish() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Sends a line and waits for the one that answers it.
    package func ask(_ line: String) async throws -> String {
        try await enqueue {
            try self.input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
            return try self.nextLine()
        }
    }

    package func readLine() async throws -> String { try await enqueue { try self.nextLine() } }

    private func enqueue(_ work: @escaping @Sendable () throws -> String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    private func nextLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer = Data(buffer[(end + 1)...])
                return line
            }
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else {
                throw Missing(description: "\(process.arguments ?? []) ended without an answer")
            }
            buffer.append(chunk)
        }
    }

    package struct Missing: Error, CustomStringConvertible {
        package var description: String
    }
}
