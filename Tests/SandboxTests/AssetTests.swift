import Testing

@testable import Sandbox

@Suite("Asset ids and the patterns that pick them")
struct AssetTests {
    @Test(arguments: ["6.1.0", "a", "My build_2-x", String(repeating: "x", count: 64)])
    func `right ids`(text: String) throws {
        let id = try AssetID(text)
        #expect(id.rawValue == text)
        #expect("\(id)" == text)
    }

    @Test(arguments: [
        ("", "has 0"), (String(repeating: "x", count: 65), "has 65"), ("a/b", "contains '/'"), ("ä1", "contains 'ä'"),
        ("a\n", "contains '\n'"), ("-a", "begin and end"), ("a.", "begin and end"), (" a", "begin and end"),
        ("..", "begin and end"), ("a٣", "contains '٣'"),
    ])
    func `wrong ids`(text: String, problem: String) throws {
        let failure = try #require(throws: Failure.self) { try AssetID(text) }
        #expect(failure.code == .usage)
        #expect(failure.message.contains(problem))
    }

    @Test(arguments: [("6.1.0", "6-1-0"), ("a b_c-d", "a-b-c-d"), ("x", "x")])
    func `as AWS takes it`(text: String, dashed: String) throws {
        #expect(try AssetID(text).dashed == dashed)
    }

    @Test(arguments: ["sandbox", "some/where"])
    func `keys in a bucket`(prefix: String) throws {
        let id = try AssetID("0.1.0")
        #expect(id.folder(under: prefix) == "\(prefix)/0.1.0/")
        #expect(AssetID.folder(of: "-odd", under: prefix) == "\(prefix)/-odd/")
        #expect(id.key(of: "manifest.json", under: prefix) == "\(prefix)/0.1.0/manifest.json")
    }

    @Test(arguments: [
        ("6.1.0", "6.1.0", true), ("6.1.0", "6.1.01", false), ("6.*", "6.1.0", true), ("6.*", "6", false),
        ("6.*", "16.1", false), ("*", "", true), ("*.0", "6.1.0", true), ("6?1", "6.1", true), ("6?1", "61", false),
        ("a*b*c", "axxbxbc", true), ("a*b*c", "axxbxb", false), ("**", "x", true), ("", "", true), ("", "x", false),
    ])
    func patterns(pattern: String, id: String, isMatch: Bool) {
        #expect(AssetPattern(pattern).matches(id) == isMatch)
    }

    @Test(arguments: [("6.1", true), ("6.*", false), ("6.?", false)])
    func `exact patterns`(pattern: String, isExact: Bool) {
        #expect(AssetPattern(pattern).isExact == isExact)
    }
}
