import Glibc
import Testing
import Workbench

@testable import Verification

struct FileTreeTests {
    @Test("a directory is read without following its links, each directory before its content")
    func directory() async throws {
        try await withTemporaryDirectory { root in
            try makeDirectory("\(root)/a")
            try writeAtomically("abc", to: "\(root)/a/file")
            try writeAtomically("", to: "\(root)/b", mode: 0o4755)
            #expect(symlink("/etc", "\(root)/c") == 0)
            let tree = DirectoryTree(root)
            #expect(
                try tree.entries() == [
                    FileEntry("/a", .directory), FileEntry("/a/file", .file, bytes: 3),
                    FileEntry("/b", .file, isSetID: true), FileEntry("/c", .link(to: "/etc")),
                ])
            #expect(try tree.text("/a/file") == "abc")
            #expect(try tree.digest("/a/file", .md5) == "900150983cd24fb0d6963f7d28e17f72")
        }
    }

    @Test("files and links whose names are not UTF-8 are named")
    func bytes() async throws {
        try await withTemporaryDirectory { root in
            let folder = RawPath(root).appending([0xE9])
            let made = folder.withCString { mkdir($0, 0o755) }
            let linked = folder.appending([0x61, 0xFF]).withCString { symlink("/etc", $0) }
            #expect(made == 0 && linked == 0)
            let entries = try DirectoryTree(root).entries()
            #expect(
                entries == [
                    FileEntry(#"/\xE9"#, .directory), FileEntry(#"/\xE9/a\xFF"#, .link(to: "/etc")),
                ])
        }
    }

    @Test(
        "patterns of paths",
        arguments: [
            ("/etc/*.conf", "/etc/a.conf", true), ("/etc/*.conf", "/etc/a/b.conf", false),
            ("/usr/local/**", "/usr/local", true), ("/usr/local/**", "/usr/local/a/b", true),
            ("/usr/local/**", "/usr/localhost", false), ("/a/**/*.py", "/a/x.py", true),
            ("/a/**/*.py", "/a/b/c/x.py", true), ("/opt/*/bin/python*", "/opt/x/bin/python3", true),
            ("/etc/issue", "/etc/issue.net", false),
        ])
    func pattern(pattern: String, path: String, isMatch: Bool) {
        #expect(PathPattern(pattern).matches(path) == isMatch)
    }

    @Test("a RECORD's line has a path, perhaps in quotes, and a digest, perhaps none")
    func records() throws {
        let quoted = try #require(PythonRecords.fields("\"a,b.py\",sha256=_-8,3"))
        #expect(quoted.path == "a,b.py" && quoted.sha256 == "ffef")
        let made = try #require(PythonRecords.fields("a.dist-info/RECORD,,"))
        #expect(made.path == "a.dist-info/RECORD" && made.sha256 == nil)
    }
}
