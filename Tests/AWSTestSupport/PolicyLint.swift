import Foundation

/// tools/lint-policies.py: AWS's own tables of actions, as parliament and cfn-lint ship them.
package enum PolicyLint {
    /// - Parameter question: a JSON object with `actions`, `policies` or `resources`.
    /// - Returns: what is wrong, a line each.
    package static func complaints(_ question: [String: Any]) throws -> [String] {
        let python = PythonProcess.root.appending(path: ".venv-templates/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path()) else {
            throw PythonProcess.Missing(description: "\(python.path()) is missing; 'tools/setup.sh --tests' sets it up")
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "policies-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try JSONSerialization.data(withJSONObject: question).write(to: file)
        let process = Process()
        let output = Pipe()
        process.executableURL = python
        process.arguments = ["tools/lint-policies.py"]
        process.currentDirectoryURL = PythonProcess.root
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return ["tools/lint-policies.py failed"] }
        return String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
