import Glibc
import Sandbox
import Testing

@testable import AWSServices
@testable import Workbench
@testable import dss

/// What a person reads where a command fails.
@Suite("Failures as a person reads them")
struct FailureMappingTests {
    @Test(
        "a file that cannot be read or written: whose fault it is decides the exit code",
        arguments: [
            ("write", ENOSPC, 75, "free up space"), ("write", EDQUOT, 75, "free up space"), ("read", ENOENT, 65, nil),
            ("read", EISDIR, 65, nil),
            ("read", EACCES, 77, "another directory"), ("write", EPERM, 77, "another directory"), ("read", EIO, 1, nil),
        ] as [(String, Int32, Int32, String?)])
    func file(action: String, error: Int32, exit: Int32, advice: String?) {
        let failure = Failure(explaining: TransferFileError(action, "/images/sandbox.vhd", code: error))
        #expect(failure.code.rawValue == exit)
        #expect(failure.message == "cannot \(action) /images/sandbox.vhd: \(String(cString: strerror(error)))")
        #expect(advice.map { failure.advice?.contains($0) == true } ?? (failure.advice == nil), "\(failure)")
    }

    @Test("a file that changed, and bytes that are not the right ones, may be tried again")
    func again() {
        let changed = Failure(explaining: FileChanged(path: "/images/sandbox.vhd"))
        #expect(changed.code == .temporary)
        #expect(changed.message == "/images/sandbox.vhd changed during the upload")
        let broken = Failure(explaining: IntegrityError(object: "s3://images/key", message: "arrived with checksum a"))
        #expect(broken.code == .temporary)
        #expect(broken.message == "s3://images/key: arrived with checksum a")
        #expect(broken.advice?.hasPrefix("run the command again") == true)
    }

    @Test(
        "after Ctrl-C, what was kept and what is left is said, and only otherwise that everything was cleaned up",
        arguments: [
            (nil, "interrupted; everything was cleaned up", []),
            (([], []), "interrupted; everything was cleaned up", []),
            (([], ["the machine was kept"]), "interrupted", ["the machine was kept"]),
            ((["key"], []), "interrupted; some resources could not be removed", ["key"]),
            (
                (["key"], ["the machine was kept"]), "interrupted; some resources could not be removed",
                ["key", "the machine was kept"]
            ),
        ] as [(([String], [String])?, String, [String])])
    func interrupted(left: ([String], [String])?, message: String, details: [String]) {
        var cause: any Error = CancellationError()
        if let left { cause = LeftBehind(cause: cause, leftovers: left.0, kept: left.1) }
        let failure = Failure(explaining: Interrupted(signal: SIGINT, cause: cause))
        #expect(failure.code == .interrupted && failure.message == message && failure.details == details)
    }

    @Test("a failure names the machine that was kept after its own details")
    func kept() {
        let cause = Failure(.failed, "task failed", details: ["module: x"])
        let failure = Failure(explaining: LeftBehind(cause: cause, leftovers: [], kept: ["the machine was kept"]))
        #expect(failure.message == "task failed" && failure.details == ["module: x", "the machine was kept"])
    }
}
