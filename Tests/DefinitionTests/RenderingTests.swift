import FoundationEssentials
import Sandbox
import Testing

@testable import Definition

@Suite("The effective definition is a definition again")
struct RenderingTests {
    static let rich = """
        name: "yes"
        version: "1.10"
        playbook:
          variables: {a: "0x10", text: "two\\nlines \\"quoted\\" # no comment", yes: [1, {b: on}], empty: ""}
        """

    static let parameter = minimal + "aws: {source_image: {parameter: /aws/service/debian/release/12/latest/amd64}}"

    @Test(arguments: [minimal, rich, parameter])
    func `YAML and JSON are read back as the same`(yaml: String) throws {
        let loaded = try source(yaml).loadDefinition()
        for rendering in [loaded.yaml(), loaded.yaml(withOrigins: true), loaded.json()] {
            #expect(try source(rendering).loadDefinition().definition == loaded.definition)
        }
    }

    @Test(arguments: [
        "base: {mirror: 'https://anna:s3cret@m.example/debian'}",
        "base: {security_mirror: 'https://anna:s@s3cret@m.example/debian-security'}",
        "variants: {near: {base.mirror: 'https://anna:s3cret@m.example/debian'}}",
    ])
    func `no password of a mirror is printed`(lines: String) throws {
        let loaded = try source(minimal + lines).loadDefinition()
        for text in [loaded.yaml(), loaded.yaml(withOrigins: true), loaded.json()] {
            #expect(!text.contains("s3cret") && !text.contains("anna"))
            #expect(text.contains("https://•••@m.example/debian"))
        }
    }

    @Test func `origins stand in comments`() throws {
        let loaded = try source(minimal, environment: ["DSS_DISK_SIZE": "9GiB"]).loadDefinition()
        let yaml = loaded.yaml(withOrigins: true)
        let lines = yaml.split(separator: "\n").filter { $0.contains("name: lab") || $0.contains("9GiB") }
        #expect(
            lines.map { $0.replacing(#/ +\#/#, with: " #") } == [
                "name: lab # sandbox.yaml:1", "  size: 9GiB # environment DSS_DISK_SIZE",
            ])
    }

    @Test func `the project's own definition says the defaults`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let loaded = try DefinitionSource(file: "/\(root)/sandbox.yaml", currentDirectory: "/").loadDefinition()
        var minimal = try source("name: data-science-sandbox\nversion: 0.1.0").loadDefinition().definition
        // Its playbook is not that of the test, and says where to cut it.
        minimal.playbook = loaded.definition.playbook
        #expect(
            loaded.definition.playbook.variables == [
                "script_languages_url": .string("https://github.com/exasol/script-languages-release.git")
            ])
        #expect(loaded.definition == minimal)
    }
}
