import Glibc
import Sandbox
import Testing

@testable import AWSServices
@testable import dss

/// What a person reads where a transfer fails.
@Suite("Failures of transfers")
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
}
