import FoundationEssentials
import Glibc
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct FilesTests {
    @Test(arguments: [UInt16(0o600), 0o644, 0o755, 0o666])
    func aFileIsWrittenWithItsMode(mode: UInt16) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            try writeAtomically("first", to: path, mode: 0o644)
            try writeAtomically("second", to: path, mode: mode)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == mode_t(mode))
            #expect(try readText(path) == "second")
            #expect(names(in: directory) == ["file"])
        }
    }

    @Test func aFileOfAPersonIsReplacedWhereTheLinkLeadsAndKeepsItsMode() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/shared")
            try writeAtomically("first", to: "\(directory)/shared/file", mode: 0o640)
            #expect(symlink("shared/file", "\(directory)/link") == 0)
            try writeUserFile("second", to: "\(directory)/link")
            var status = stat()
            #expect(lstat("\(directory)/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
            #expect(stat("\(directory)/shared/file", &status) == 0 && status.st_mode & 0o7777 == 0o640)
            #expect(try readText("\(directory)/shared/file") == "second")
            #expect(names(in: "\(directory)/shared") == ["file"])
            try writeUserFile("new", to: "\(directory)/new")
            #expect(try readText("\(directory)/new") == "new")
        }
    }

    @Test func aDeviceIsWrittenToAndNotReplaced() async throws {
        try await withTemporaryDirectory { directory in
            let link = "\(directory)/device"
            #expect(symlink("/dev/null", link) == 0)
            try writeUserFile("text", to: link)
            var status = stat()
            #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
            #expect(stat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
            #expect(throws: FileError.self) { try writeUserFile("text", to: directory) }
        }
    }

    @Test(arguments: [
        "cache", "cache/", "cache//", "./cache", "link", "link/", "link/.", "cache/sub/..", "cache/missing/..",
        "gone/../cache",
    ])
    func aDirectoryHasOneCanonicalPath(name: String) async throws {
        try await expectCanonicalPath(of: name, is: "cache")
    }

    @Test(arguments: ["link/new/", "link//new", "link/./new", "cache/new"])
    func whatDoesNotExistYetHasACanonicalPath(name: String) async throws {
        try await expectCanonicalPath(of: name, is: "cache/new")
        #expect(canonicalPath("/") == "/")
        #expect(canonicalPath("/nonexistent//a/../b/") == "/nonexistent/b")
    }

    /// Expects the canonical path of a name next to the directory `cache/sub` and the link `link` to `cache`.
    private func expectCanonicalPath(of name: String, is expected: String) async throws {
        try await withTemporaryDirectory { directory in
            let directory = canonicalPath(directory)
            try makeDirectory("\(directory)/cache/sub")
            #expect(symlink("cache", "\(directory)/link") == 0)
            #expect(canonicalPath("\(directory)/\(name)") == "\(directory)/\(expected)")
        }
    }

    @Test func aMissingFileCannotBeSynced() {
        #expect(throws: FileError("write", "/nonexistent", code: ENOENT)) { try syncFile("/nonexistent") }
    }

    @Test func whatCannotBeWrittenLeavesNothingBehind() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/taken/by-a-directory")
            #expect(throws: FileError.self) { try writeAtomically("text", to: "\(directory)/taken") }
            #expect(throws: FileError("write", "\(directory)/no/file", code: ENOENT)) {
                try writeAtomically("text", to: "\(directory)/no/file")
            }
            #expect(names(in: directory) == ["taken"])
        }
    }

    @Test func twoWritersOfOneFileDoNotMixTheirTexts() async throws {
        try await withTemporaryDirectory { directory in
            let texts = (0..<8).map { String(repeating: "\($0)", count: 200_000) }
            try await withThrowingTaskGroup { group in
                for text in texts { group.addTask { try writeAtomically(text, to: "\(directory)/file") } }
                try await group.waitForAll()
            }
            #expect(try texts.contains(readText("\(directory)/file")))
            #expect(names(in: directory) == ["file"])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to mount a tmpfs"))
    func aFullDiskKeepsTheOldFile() async throws {
        try await withTemporaryDirectory { directory in
            // In a separate mount namespace, which ends with the shell.
            let runner = SystemCommandRunner()
            let mounted = try await runner.execute(
                Command("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]))
            guard mounted.status.isSuccess else { return print("skipped: no tmpfs can be mounted here") }
            try await finally {
                try writeAtomically("old", to: "\(directory)/file")
                let error = #expect(throws: FileError.self) {
                    try writeAtomically(String(repeating: "x", count: 1 << 20), to: "\(directory)/file")
                }
                #expect(error?.isDiskFull == true)
                #expect(error?.description == "cannot write \(directory)/file: No space left on device")
                #expect(try readText("\(directory)/file") == "old")
                #expect(names(in: directory) == ["file"])
            } cleanup: {
                _ = try? await runner.run(Command("umount", [directory]))
            }
        }
    }

    @Test func directoriesAreMadeWithThoseAboveThem() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/a/b/c", mode: 0o700)
            try makeDirectory("\(directory)/a/b/c", mode: 0o755)
            var status = stat()
            #expect(stat("\(directory)/a/b/c", &status) == 0 && status.st_mode & 0o777 == 0o700)
            #expect(stat("\(directory)/a/b", &status) == 0 && status.st_mode & 0o777 == 0o755)
        }
    }

    @Test("a private directory is made closed, and an open one is closed", arguments: [nil, 0o755, 0o701, 0o500])
    func privateDirectories(before: UInt16?) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/a/b"
            if let before { try makeDirectory(path, mode: before) }
            try makePrivateDirectory(path)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o077 == 0)
        }
    }

    @Test func aFileInTheWayOfADirectoryIsAnError() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/file"
            try writeAtomically("", to: path)
            #expect(throws: FileError("create directory", path, code: EEXIST)) { try makeDirectory(path) }
            #expect(throws: FileError("create directory", "\(path)/below", code: ENOTDIR)) {
                try makeDirectory("\(path)/below")
            }
        }
    }

    @Test func theReasonOfAFailedReadIsTold() throws {
        #expect(throws: FileError("read", "/nowhere/file", code: ENOENT)) { try readText("/nowhere/file") }
        #expect(throws: FileError("read", "/usr", code: EISDIR)) { try readText("/usr") }
        #expect(try readText("/proc/self/stat").hasPrefix("\(getpid()) "))
    }

    @Test func theEndOfAFileIsRead() async throws {
        try await withTemporaryDirectory { directory in
            try writeAtomically("1\n2\r\n3\n", to: "\(directory)/log")
            #expect(tail(of: "\(directory)/log", lines: 2) == "2\n3")
            #expect(tail(of: "\(directory)/none") == "")
        }
    }

    @Test(arguments: [("", ""), (" \n", ""), ("a", "a"), ("\t a b \r\n", "a b")])
    func blanksAtBothEndsAreTrimmed(text: String, trimmed: String) {
        #expect(text.trimmedLine == trimmed)
    }

    private func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }
}
