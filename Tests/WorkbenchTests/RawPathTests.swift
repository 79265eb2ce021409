import Glibc
import Testing

@testable import Workbench

@Suite("Names that are not UTF-8")
struct RawPathTests {
    /// `café` in Latin-1.
    private let name = Array("caf".utf8) + [0xE9]

    private func write(_ text: String, to path: RawPath) throws {
        let file = path.withCString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
        try #require(file >= 0)
        defer { close(file) }
        try writeAll(Array(text.utf8), to: file, "\(path)")
    }

    @Test(
        "a name is shown with the bytes that are not UTF-8",
        arguments: [
            (Array("caf\u{E9}".utf8), "caf\u{E9}"), ([0x63, 0xE9], #"c\xE9"#), ([0xE9, 0x63], #"\xE9c"#),
            ([0xF0, 0x9F, 0x98], #"\xF0\x9F\x98"#), ([0xFF, 0xFE], #"\xFF\xFE"#), ([0xC3, 0xA9, 0xC3], #"é\xC3"#),
            ([], ""),
        ] as [([UInt8], String)])
    func shown(bytes: [UInt8], text: String) {
        #expect(RawPath.shown(bytes) == text)
    }

    @Test("a directory is read, and what it has is reached")
    func names() async throws {
        try await withTemporaryDirectory { directory in
            let root = RawPath(directory)
            try write("abc", to: root.appending(name))
            try write("", to: root.appending(Array("b".utf8)))
            #expect(try root.names() == [Array("b".utf8), name])
            #expect(try root.appending(name).status().st_size == 3)
            let link = root.appending([0xFF])
            let linked = link.withCString { symlink("target", $0) }
            #expect(linked == 0)
            #expect(link.linkTarget == Array("target".utf8) && root.linkTarget == nil)
            let error = #expect(throws: FileError.self) { try root.appending([0xFE]).status() }
            #expect(error?.path == directory + #"/\xFE"#)
        }
    }

    @Test("the hash of a tree depends on the bytes of a name and on the content")
    func hashes() async throws {
        try await withTemporaryDirectory { directory in
            let root = RawPath(directory)
            var hashes: [String] = []
            for (name, text) in [(name, "a"), (name, "b"), (name.dropLast() + [0xE8], "a"), (Array("cafe".utf8), "a")] {
                try write(text, to: root.appending(Array(name)))
                var hash = ContentHash()
                try hash.addTree(directory)
                hashes.append(hash.hexDigest)
                #expect(Array(hash.parts.keys) == ["\(directory)/\(RawPath.shown(Array(name)))"])
                let removed = root.appending(Array(name)).withCString { unlink($0) }
                #expect(removed == 0)
            }
            #expect(Set(hashes).count == hashes.count)
        }
    }
}
