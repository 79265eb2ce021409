import AWSTestSupport
import Foundation
import Workbench

/// Runs the installed botocore, the reference implementation.
enum Botocore {
    /// - Parameter script: Python code that reads `question` and sets `answer`.
    static func ask(_ script: String, _ question: Any, home: String? = nil) async throws -> Any {
        let wrapped = "import json, sys\nquestion = json.load(sys.stdin)\n\(script)\nprint(json.dumps(answer))\n"
        let json = try JSONSerialization.data(withJSONObject: question, options: .fragmentsAllowed)
        let output = try await SystemCommandRunner().run(
            Command(
                "\(PythonProcess.root.path()).venv-aws/bin/python", ["-c", wrapped],
                environment: ["HOME": home ?? "/nonexistent", "AWS_PROFILE": nil, "AWS_CONFIG_FILE": nil],
                input: .text(String(decoding: json, as: UTF8.self))))
        return try JSONSerialization.jsonObject(with: Data(output.utf8), options: .fragmentsAllowed)
    }
}
