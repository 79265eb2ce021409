import FoundationEssentials
import Glibc
import Sandbox
import Verification
import Workbench

/// Starts an image as a user would and looks at what it is: with the Docker daemon of this machine, else with runc.
package func verifyDockerImage(
    _ image: String, runner: any CommandRunner, environment: [String: String], withoutDaemon: Bool = false,
    onCheck: @escaping @Sendable (CheckResult) -> Void
) async throws -> VerificationReport {
    let source = try ImageSource(image)
    let verify = { @Sendable (host: any ContainerHost) in
        let log = ContainerCheckLog(onCheck: onCheck)
        try await ContainerVisit(host: host, log: log).makeAll()
        return VerificationReport(
            image: image, hardware: host.name, accelerator: "container", checks: await log.results)
    }
    if !withoutDaemon, await DockerDaemon(runner: runner).answers {
        return try await DockerHost.with(source, runner: runner, environment: environment) { try await verify($0) }
    }
    return try await RuncHost.with(source, runner: runner) { try await verify($0) }
}

/// Makes checks one after the other and tells what each came to.
actor ContainerCheckLog {
    private(set) var results: [CheckResult] = []
    private let onCheck: @Sendable (CheckResult) -> Void

    init(onCheck: @escaping @Sendable (CheckResult) -> Void) {
        self.onCheck = onCheck
    }

    /// - Parameter body: gives what is wrong; nothing where all is well.
    func make(_ check: ContainerCheck, _ body: @Sendable () async throws -> String?) async throws {
        try Task.checkCancellation()
        let stopwatch = Stopwatch(ContinuousClock())
        let problem: String?
        do { problem = try await body() } catch {
            try Task.checkCancellation()
            problem = "\(error)"
        }
        record(
            CheckResult(
                name: check.rawValue, outcome: problem == nil ? .passed : .failed, seconds: stopwatch.seconds,
                message: problem))
    }

    func skip(_ check: ContainerCheck, _ reason: String) {
        record(CheckResult(name: check.rawValue, outcome: .skipped, seconds: 0, message: reason))
    }

    private func record(_ result: CheckResult) {
        results.append(result)
        onCheck(result)
    }
}
