import Sandbox
import Testing

@testable import Definition

@Suite("The sandbox of this repository")
struct ShippedSandboxTests {
    @Test func `what changes often is installed after the last checkpoint`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let steps = try DefinitionSource(currentDirectory: root).loadSandbox().definition.definition.playbook.steps
        #expect(steps.map(\.roles).suffix(2) == [["container", "jupyter_settings"], ["notebooks"]])
        // The kernel is put into the environment of JupyterLab, and the connector into that of the kernel.
        let roles = steps.flatMap(\.roles)
        let order = ["base", "jupyter", "datascience", "exasol", "jupyter_settings", "notebooks"]
        #expect(roles.filter(order.contains) == order)
    }
}
