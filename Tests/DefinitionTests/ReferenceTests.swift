import FoundationEssentials
import Testing

@testable import Definition

@Suite("docs/sandbox-yaml.md")
struct ReferenceTests {
    @Test func `the reference is the one that the rules give`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "docs/sandbox-yaml.md")
        if ProcessInfo.processInfo.environment["DSS_RECORD"] == "1" {
            try Data(DefinitionReference.markdown.utf8).write(to: file)
        }
        let recorded = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(DefinitionReference.markdown == recorded, "record it with DSS_RECORD=1 if it is meant")
    }

    @Test(arguments: Settings.all) func `every key has a sentence, allowed values and a valid example`(
        setting: Setting
    ) throws {
        #expect(setting.meaning.hasSuffix(".") && !setting.allowed.isEmpty)
        let lines = setting.key.split(separator: ".").reversed().reduce(setting.example) { "{\($1): \($0)}" }
        var diagnostics: [Diagnostic] = []
        var item = try #require(YAMLDocument.parse(Array(lines.utf8), path: "", diagnostics: &diagnostics))
        for name in setting.key.split(separator: ".") { item = try #require(item[String(name)]) }
        var definition = Draft().definition
        #expect(setting.apply(item, &definition, &diagnostics), "\(diagnostics)")
    }
}
