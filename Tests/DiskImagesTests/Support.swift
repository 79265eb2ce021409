import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import DiskImages

let runner = SystemCommandRunner()

/// Whether all programs are installed; prints why a test is skipped otherwise.
func have(_ tools: String...) -> Bool {
    let places =
        (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(String.init) + [
            "/usr/sbin", "/sbin",
        ]
    let missing = tools.filter { tool in !places.contains { access("\($0)/\(tool)", X_OK) == 0 } }
    if !missing.isEmpty { print("skipped: not installed: \(missing.joined(separator: ", "))") }
    return missing.isEmpty
}

let canWriteDisks = have("sfdisk", "grub-mkimage", "mformat", "mcopy", "mke2fs", "e2fsck", "debugfs") && haveGrubFiles
let canConvert = have("qemu-img", "tar", "pigz")
let canBoot = canWriteDisks && canConvert && have("qemu-system-x86_64")

private let haveGrubFiles: Bool = {
    let found = ["i386-pc", "x86_64-efi"].allSatisfy { fileExists("/usr/lib/grub/\($0)/moddep.lst") }
    if !found { print("skipped: not installed: grub-pc-bin, grub-efi-amd64-bin") }
    return found
}()

/// Collects progress values.
final class ProgressLog: Sendable {
    private let state = Mutex<[Progress]>([])
    var all: [Progress] { state.withLock { $0 } }
    var sink: ProgressSink { { progress in self.state.withLock { $0.append(progress) } } }
}

func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
}

func write(_ text: String, _ path: String, mode: UInt16 = 0o644) throws {
    try writeAtomically(text, to: path, mode: mode)
}

/// The failure thrown by `body`; `nil` if it succeeds.
func failure(of body: () async throws -> Void) async -> Failure? {
    do {
        try await body()
        return nil
    } catch let failure as Failure { return failure } catch {
        Issue.record("not a Failure: \(error)")
        return nil
    }
}
