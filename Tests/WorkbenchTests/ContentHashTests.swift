import FoundationEssentials
import Glibc
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct ContentHashTests {
    private func hash(_ pieces: (String, String)...) -> String {
        var hash = ContentHash()
        for (label, value) in pieces { hash.add(label, value) }
        return hash.hexDigest
    }

    @Test func theSamePiecesGiveTheSameHash() {
        #expect(hash(("a", "b"), ("c", "d")) == hash(("a", "b"), ("c", "d")))
        #expect(hash().count == 64)
    }

    @Test func everyMoveOfAByteChangesIt() {
        let all = [
            hash(), hash(("", "")), hash(("", ""), ("", "")), hash(("ab", "c")), hash(("a", "bc")), hash(("abc", "")),
            hash(("", "abc")), hash(("a", "b"), ("c", "")), hash(("a", ""), ("b", "c")), hash(("c", ""), ("a", "b")),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func itsPartsTellWhatDiffers() throws {
        try withTree { tree in
            var hash = ContentHash()
            hash.add("user", "a")
            try hash.addTree(tree)
            let before = hash.parts
            #expect(Set(before.keys) == ["user", "\(tree)/sub/file"])
            try writeAtomically("other", to: "\(tree)/sub/file")
            var later = ContentHash()
            later.add("user", "a")
            try later.addTree(tree)
            #expect(later.parts.filter { before[$0.key] != $0.value }.map(\.key) == ["\(tree)/sub/file"])
        }
    }

    /// Reading them would not end.
    @Test(arguments: ["pipe", "device"])
    func itRefusesWhatIsNeitherFileNorDirectory(kind: String) throws {
        try withTree { tree in
            let path = "\(tree)/sub/odd"
            if kind == "pipe" {
                #expect(mkfifo(path, 0o600) == 0)
            } else {
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
            }
            #expect(throws: IrregularFile(path: path)) { try treeHash(tree) }
            #expect(
                IrregularFile(path: path).description.contains("is a \(kind == "pipe" ? "pipe" : "socket or device")"))
            #expect(try treeHash(tree) { $0 != "sub/odd" } != "")
        }
    }

    private func withTree(_ body: (String) throws -> Void) throws {
        let tree = try makeTemporaryDirectory(in: "/tmp")
        defer { try? FileManager.default.removeItem(atPath: tree) }
        try makeTree(tree, ["sub/file"])
        try body(tree)
    }

    private func treeHash(_ path: String, where isIncluded: (String) -> Bool = { _ in true }) throws -> String {
        var hash = ContentHash()
        try hash.addTree(path, where: isIncluded)
        return hash.hexDigest
    }

    /// A small tree whose entries are created in the given order.
    private func makeTree(_ path: String, _ names: [String]) throws {
        for name in names {
            try makeDirectory("\(path)/\(name.split(separator: "/").dropLast().joined(separator: "/"))")
            try writeAtomically("content of \(name)", to: "\(path)/\(name)")
        }
    }

    @Test func theOrderOfEntriesOnDiskAndThePlaceOfTheTreeDoNotMatter() async throws {
        try await withTemporaryDirectory { directory in
            let names = ["b", "a/2", "a/1", "c/d/e", "Z", "ä"]
            try makeTree("\(directory)/one", names)
            try makeTree("\(directory)/two", names.reversed())
            #expect(try treeHash("\(directory)/one") == treeHash("\(directory)/two"))
        }
    }

    @Test(arguments: [
        "printf x > a/1", "mv a/1 a/3", "chmod +x a/1", "chmod o+x a/1", "rm a/1", "touch a/4", "mv a b",
        "ln -s 1 a/link", "ln -s nowhere a/link",
    ])
    func everyChangeOfATreeChangesIt(change: String) async throws {
        try await withTemporaryDirectory { directory in
            try makeTree(directory, ["a/1", "a/2", "c"])
            let before = try treeHash(directory)
            var command = shell(change)
            command.workingDirectory = directory
            try await SystemCommandRunner().run(command)
            #expect(try treeHash(directory) != before)
        }
    }

    @Test(arguments: ["touch -d 2001-01-01 a/1", "chmod 600 a/1", "cp a/1 x; rm a/1; mv x a/1", "mkdir empty"])
    func whatIsNotUsedDoesNotChangeIt(change: String) async throws {
        try await withTemporaryDirectory { directory in
            try makeTree(directory, ["a/1", "a/2"])
            let before = try treeHash(directory)
            var command = shell(change)
            command.workingDirectory = directory
            try await SystemCommandRunner().run(command)
            #expect(try treeHash(directory) == before)
        }
    }

    @Test func linksAreFollowedOnceAndExcludedFilesLeftOut() async throws {
        try await withTemporaryDirectory { directory in
            try makeTree("\(directory)/outside", ["file"])
            try makeTree("\(directory)/tree", ["a/1"])
            symlink("../outside", "\(directory)/tree/link")
            symlink("..", "\(directory)/tree/a/loop")
            let before = try treeHash("\(directory)/tree")
            try writeAtomically("changed", to: "\(directory)/outside/file")
            #expect(try treeHash("\(directory)/tree") != before)
            let without = try treeHash("\(directory)/tree") { !$0.hasPrefix("link") }
            try writeAtomically("changed again", to: "\(directory)/outside/file")
            #expect(try treeHash("\(directory)/tree") { !$0.hasPrefix("link") } == without)
        }
    }

    @Test func aTreeThatIsNotThereIsAnError() {
        #expect(throws: FileError("read", "/nowhere", code: ENOENT)) { try treeHash("/nowhere") }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct FileDigestTests {
    // FIPS 180-4 example values.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownVectors(text: String, digest: String) async throws {
        try await withTemporaryDirectory { directory in
            try writeAtomically(text, to: "\(directory)/file")
            #expect(try sha256(of: "\(directory)/file") == digest)
        }
    }

    @Test func md5IsThatOfDpkg() async throws {
        try await withTemporaryDirectory { directory in
            try writeAtomically("abc", to: "\(directory)/file")
            #expect(try md5(of: "\(directory)/file") == "900150983cd24fb0d6963f7d28e17f72")
        }
    }

    @Test func aLargeSparseFileIsReadToItsEnd() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/sparse"
            try writeAtomically("", to: path)
            #expect(truncate(path, 1 << 29) == 0)
            let expected = try await SystemCommandRunner().run(Command("sha256sum", [path])).prefix(64)
            #expect(try sha256(of: path) == expected)
        }
    }

    @Test func aFileThatIsNotThereIsAnError() {
        #expect(throws: FileError("read", "/nowhere", code: ENOENT)) { try sha256(of: "/nowhere") }
    }
}
