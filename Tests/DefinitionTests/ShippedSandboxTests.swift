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

    @Test func `security updates are installed, after those of cloud-init`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let sandbox = try DefinitionSource(currentDirectory: root).loadSandbox()
        let roles = sandbox.definition.definition.playbook.roles.filter(["cloud", "security_updates"].contains)
        #expect(roles == ["cloud", "security_updates"])
        #expect(sandbox.pins.pins.apt["unattended-upgrades"] != nil)
        let role = "\(root)/playbook/roles/security_updates"
        let text = { (path: String) throws in
            String(decoding: try #require(try TextFiles.disk.read(path)), as: UTF8.self)
        }
        #expect(try text("\(role)/files/after-first-boot.conf").contains("[Unit]\nAfter=cloud-final.service\n"))
        let (tasks, declared) = (
            try text("\(role)/tasks/main.yml"), try text("\(role)/files.txt").split(separator: "\n")
        )
        let written = tasks.matches(of: /- path: (\S+)/).map(\.1)
        #expect(written.count == 3)
        #expect(Set(written).isSubset(of: declared))
    }
}
