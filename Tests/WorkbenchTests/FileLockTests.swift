import Glibc
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct FileLockTests {
    /// Takes the lock in the same way as this process, prints a line, and holds the lock.
    private static let holder = """
        import fcntl, os, struct, sys, time
        file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.fcntl(file, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
        os.ftruncate(file, 0)
        os.write(file, b'build 7 of somebody')
        print(os.getpid(), flush=True)
        time.sleep(60)
        """

    @Test func aSecondHolderIsRefusedAndTheFirstNamed() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            #expect(!FileLock.isHeld(path))
            do {
                let lock = try FileLock(path, holder: "the first")
                #expect(FileLock.isHeld(path))
                #expect(throws: LockHeld(holder: "the first")) { _ = try FileLock(path, holder: "the second") }
                _ = consume lock
            }
            #expect(!FileLock.isHeld(path))
            let again = try FileLock(path, holder: "3rd")
            #expect(try readText(path) == "3rd")
            _ = consume again
        }
    }

    @Test func nobodyElseCanOpenALock() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            // As an earlier version left it.
            try writeAtomically("old", to: path, mode: 0o644)
            let lock = try FileLock(path, holder: "me")
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            _ = consume lock
        }
    }

    @Test func theKernelListsTheLocksOfFilesThatCannotBeRead() async throws {
        try await withTemporaryDirectory { directory in
            let (path, list) = ("\(directory)/lock", "\(directory)/locks")
            try writeAtomically("", to: path)
            var status = stat()
            #expect(stat(path, &status) == 0)
            for (inode, isListed) in [("\(status.st_ino)", true), ("\(status.st_ino)0", false)] {
                try writeAtomically("1: OFDLCK ADVISORY  WRITE -1 08:01:\(inode) 0 EOF\n", to: list)
                #expect(kernelListsLock(on: path, in: list) == isListed)
            }
            #expect(!kernelListsLock(on: path, in: "\(directory)/none"))
        }
    }

    @Test func aLockThatCannotBeMadeIsNotHeldByAnybody() throws {
        #expect(throws: FileError("open lock file", "/nowhere/lock", code: ENOENT)) {
            _ = try FileLock("/nowhere/lock", holder: "")
        }
    }

    @Test func theKernelReleasesTheLockOfAKilledHolder() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            let process = try await SystemCommandRunner().start(
                Command("python3", ["-c", Self.holder, path]), log: "\(directory)/log")
            try await withTimeout(.seconds(20), "the holder") {
                while tail(of: "\(directory)/log").isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(FileLock.isHeld(path))
            #expect(throws: LockHeld(holder: "build 7 of somebody")) { _ = try FileLock(path, holder: "me") }
            process.signal(SIGKILL)
            #expect(await process.ended(within: .seconds(5)))
            #expect(!FileLock.isHeld(path))
            let lock = try FileLock(path, holder: "me")
            _ = consume lock
        }
    }

    @Test func childrenDoNotInheritTheLock() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            let lock = try FileLock(path, holder: "me")
            let child = try await SystemCommandRunner().start(Command("sleep", ["60"]), log: "\(directory)/log")
            _ = consume lock
            #expect(child.isAlive)
            #expect(!FileLock.isHeld(path))
            await child.stop()
        }
    }

    @Test func askingNeverTakesTheLock() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            try writeAtomically("", to: path)
            try await withThrowingTaskGroup { group in
                group.addTask { for _ in 0..<2000 { _ = FileLock.isHeld(path) } }
                group.addTask {
                    for _ in 0..<500 {
                        let lock = try FileLock(path, holder: "me")
                        _ = consume lock
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
