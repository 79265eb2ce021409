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

    @Test(arguments: [
        "http://u:s3cret/1@h/debian", "http://u:1/s3cret@h/debian", "http://u:s3cret@/debian", "u:s3cret@h/debian",
        "https://h/debian?token=s3cret", "h.example/debian?token=s3cret", "https://h/debian#s3cret",
        "https://u:p?s3cret@h/debian", "https://h/debian?user=a@s3cret", "ftp://u:s3cret@h/debian",
        "http://u:p@s3cret@h@/debian",
    ])
    func `no secret of a refused mirror is quoted`(url: String) throws {
        for lines in [
            "base: {mirror: '\(url)'}", "base: {security_mirror: '\(url)'}",
            "variants: {near: {base.mirror: '\(url)'}}",
        ] {
            let said = mistakes(lines).joined()
            #expect(said.contains("must be an http, https or file URL") && !said.contains("s3cret"), "\(said)")
        }
    }

    @Test(arguments: [
        "http://u:p%2F1%40@h.example:8080/debian/", "https://[2001:db8::1]:8443/debian", "http://u:p@ss@h",
        "file:///srv/a@b",
    ])
    func `a mirror with a port, a login or an address is accepted`(url: String) throws {
        let loaded = try source(minimal + "base: {mirror: '\(url)'}").loadDefinition()
        #expect(loaded.definition.base.mirror == url)
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
