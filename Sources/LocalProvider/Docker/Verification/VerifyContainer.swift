import FoundationEssentials
import Glibc
import Sandbox
import Verification
import Workbench

/// Verifies an image by starting it as a user would, with the local Docker daemon, or with runc if there is none.
package func verifyDockerImage(
    _ image: String, runner: any CommandRunner, environment: [String: String], withoutDaemon: Bool = false,
    onCheck: @escaping @Sendable (CheckResult) -> Void
) async throws -> VerificationReport {
    let source = try ImageSource(image)
    let verify = { @Sendable (host: any ContainerHost) in
        let log = ContainerCheckRunner(onCheck: onCheck)
        try await ContainerVerification(host: host, log: log).makeAll()
        return VerificationReport(
            image: image, hardware: host.name, accelerator: "container", checks: await log.results)
    }
    if !withoutDaemon, await DockerDaemon(runner: runner).answers {
        return try await DockerHost.with(source, runner: runner, environment: environment) { try await verify($0) }
    }
    return try await RuncHost.with(source, runner: runner) { try await verify($0) }
}

/// Runs checks one after the other and reports each result.
actor ContainerCheckRunner {
    private(set) var results: [CheckResult] = []
    private let onCheck: @Sendable (CheckResult) -> Void

    init(onCheck: @escaping @Sendable (CheckResult) -> Void) {
        self.onCheck = onCheck
    }

    /// Runs one check. An error of `body` counts as a failed check; only cancellation is rethrown.
    /// - Parameter body: Returns the problem, or `nil` if the check passes.
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

    /// Runs checks that are decided together.
    /// - Parameter body: Returns the verdict on each check. If it throws, all of them fail.
    func make(_ checks: [Check], _ body: @Sendable () async throws -> (Check) -> Verdict) async throws {
        try Task.checkCancellation()
        let stopwatch = Stopwatch(ContinuousClock())
        let verdict: (Check) -> Verdict
        do { verdict = try await body() } catch {
            try Task.checkCancellation()
            verdict = { _ in .failed("\(error)") }
        }
        var seconds = stopwatch.seconds
        for check in checks {
            let needed = results.first { $0.name == check.needs?.rawValue && $0.outcome != .passed }
            let skipped = needed.map { Verdict.skipped("'\($0.name)' did not pass") }
            record(CheckResult(check, skipped ?? verdict(check), seconds: seconds))
            seconds = 0
        }
    }

    func skip(_ check: ContainerCheck, _ reason: String) {
        record(CheckResult(name: check.rawValue, outcome: .skipped, seconds: 0, message: reason))
    }

    private func record(_ result: CheckResult) {
        results.append(result)
        onCheck(result)
    }
}

/// The checks of a container image, in the order of the report; the raw value is the name in the report.
enum ContainerCheck: String, CaseIterable, Sendable {
    case configuration = "entry point, port, volume, health check and labels are there"
    case noSecrets = "no secret is in history, environment and labels"
    case answers = "JupyterLab asks for the password"
    case refuses = "JupyterLab refuses a wrong password"
    case letsIn = "JupyterLab answers 200 to /lab after login"
    case healthy = "the health check succeeds"
    case user = "JupyterLab runs as the user and has no password in its environment"
    case notebooks = "the notebooks are in the volume and belong to the user"
    case untouched = "a file that was in the volume is as it was"
    case tools = "Poetry and the Docker client run"
    case traces = "nothing of the build is left"
    case socket = "docker ps works through a mounted socket, which stays as it is"
    case stops = "it stops within 5 s of SIGTERM"
}

extension ImageConfiguration {
    /// The first problem of the configuration; `nil` if there is none.
    var problem: String? {
        if config.entrypoint != [Self.entryPoint] { return "the entry point is \(config.entrypoint)" }
        if port == 0 { return "no port is exposed" }
        if user.isEmpty { return "no volume /home/USER/notebooks is declared" }
        if config.healthcheck.test.first != "CMD" { return "no health check is defined" }
        let missing = ["version", "source", "licenses"].filter {
            config.labels["org.opencontainers.image.\($0)"]?.isEmpty ?? true
        }
        return missing.isEmpty ? nil : "label org.opencontainers.image.\(missing[0]) is missing"
    }

    /// The first text that looks like a secret.
    var secret: String? {
        let texts =
            config.environment + history.map(\.createdBy) + config.labels.map { "\($0.key)=\($0.value)" }
        let signs = /(?i)passw|secret|token|credential|AKIA[0-9A-Z]{16}|-----BEGIN|:\/\/[^\/\s:]+:[^\/\s@]+@/
        return texts.first { $0.firstMatch(of: signs) != nil }.map { "'\($0)'" }
    }
}

extension ImageConfiguration {
    /// Decodes the configuration of a sandbox image.
    /// - Throws: `Failure` if the configuration lacks a field that every image of this tool has.
    init(reading json: String, of image: String) throws {
        do { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) } catch {
            throw Failure(
                .badData, "\(image) is not a sandbox image: its configuration is incomplete",
                details: ["\(error)"])
        }
    }

    /// The port of JupyterLab; 0 if none is exposed.
    var port: Int { config.exposedPorts.keys.first.flatMap { Int($0.prefix { $0 != "/" }) } ?? 0 }

    /// The mount point of the notebooks volume.
    var notebooks: String { config.volumes.keys.first ?? "" }

    /// The owner of the notebooks: `USER` in `/home/USER/notebooks`.
    var user: String {
        let parts = notebooks.split(separator: "/")
        return parts.count == 3 && parts[0] == "home" ? String(parts[1]) : ""
    }
}
