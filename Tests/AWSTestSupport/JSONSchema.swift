import Foundation
import Workbench

/// The schemas of docs/schemas, as `tools/validate-json.py` applies them.
package enum JSONSchema: String, Sendable {
    case buildEvent = "build-event"
    case manifest
    case assets
    case awsAssets = "aws-assets"
    case plan

    /// - Returns: one line for each error in the output of a program; empty if it fits the schema.
    package func complaints(about output: String) async throws -> String {
        let options = self == .buildEvent ? ["--lines"] : []
        let root = PythonProcess.root.path()
        let said = try await SystemCommandRunner().execute(
            Command(
                "\(root).venv-aws/bin/python", ["\(root)tools/validate-json.py", rawValue] + options,
                input: .text(output)))
        return said.status.isSuccess ? "" : said.standardOutput + said.standardError
    }
}
