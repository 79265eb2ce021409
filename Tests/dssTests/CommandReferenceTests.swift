import AWSTestSupport
import FoundationEssentials
import Testing
import Workbench

@Suite("docs/commands.md")
struct CommandReferenceTests {
    @Test("the reference is the help of the program")
    func reference() async throws {
        let root = PythonProcess.root
        let said = try await SystemCommandRunner().execute(
            Command("\(root.path())tools/command-reference.py", ["--dss", Program.dss]))
        #expect(said.status.isSuccess, "\(said.standardError)")
        let file = root.appending(path: "docs/commands.md")
        if ProcessInfo.processInfo.environment["DSS_RECORD"] == "1" {
            try Data(said.standardOutput.utf8).write(to: file)
        }
        let recorded = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(said.standardOutput == recorded, "record it with DSS_RECORD=1 if it is meant")
    }
}
