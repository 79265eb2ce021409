import Testing

@testable import Definition

@Suite struct SmallPartsTests {
    @Test(arguments: [
        ("8GiB", 8192), ("8192MiB", 8192), ("1TiB", 1_048_576), ("0GiB", 0),
    ])
    func sizes(text: String, size: Int) {
        #expect(ByteUnit.parse(text, in: .mebi) == .size(size))
        #expect(ByteUnit.parse(ByteUnit.text(size, in: .mebi), in: .mebi) == .size(size))
    }

    @Test(arguments: [
        ("8GB", ByteUnit.Parsed.nearly("8GiB")), ("8 g", .nearly("8GiB")), ("8", .nearly("8GiB")),
        ("8192", .nearly("8192MiB")),
        ("500mib", .nearly("500MiB")), ("big", .unknown), ("-1GiB", .unknown), ("", .unknown), ("8XB", .unknown),
        ("99999999999999999999GiB", .unknown),
    ])
    func `no sizes`(text: String, parsed: ByteUnit.Parsed) {
        #expect(ByteUnit.parse(text, in: .mebi) == parsed)
    }

    @Test(arguments: [
        ("jupiter", "jupyter"), ("jupyetr", "jupyter"), ("FORMATS", "formats"), ("tag-key", "tag_key"), ("zzz", nil),
    ])
    func `did you mean`(word: String, meant: String?) {
        #expect(DidYouMean.closest(to: word, among: ["formats", "jupyter", "tag_key"]) == meant)
    }

    @Test(arguments: [
        ("/a", "b", "/a/b"), ("/a/b", "../c", "/a/c"), ("/a", "/b/./c", "/b/c"), ("", "x.yaml", "x.yaml"),
        ("sub", "../../x", "../x"), ("/", "..", "/"),
    ])
    func paths(directory: String, path: String, joined: String) {
        #expect(FilePaths.join(directory, path) == joined)
    }
}
