import Sandbox
import Workbench

/// The checks of a VM image, in the order of the report; the raw value is the name in the report.
package enum Check: String, CaseIterable, Sendable {
    case answers = "sshd answers"
    case passwordForced = "the first login with the default password forces a new one"
    case oldPasswordRefused = "the default password is refused afterwards"
    case newPasswordAccepted = "the new password is accepted"
    case sudo = "sudo works with the new password"
    case groups = "the user is a member of sudo and docker"
    case sudoAsks = "sudo asks for the password"
    case loginUsers = "there is no other login user"
    case sshFiles = "no SSH keys are left in the homes"
    case history = "no shell history is left"
    case buildFiles = "nothing of the build is left"
    case packageCaches = "no package lists and caches are left"
    case logs = "no logs of the build are left"
    case jupyterSecrets = "no token or password of JupyterLab is left"
    case cloudState = "no cloud-init state of the build is left"
    case hostConfiguration = "no configuration of the build host is left"
    case machineID = "the machine has an id"
    case coreDumps = "core dumps are off"
    case passwordLogin = "every sshd configuration allows passwords"
    case securityUpdates = "security updates are installed daily, unless they were turned off"
    case units = "no systemd unit failed"
    case boot = "nothing delays the boot"
    case disk = "the root file system fills its disk"
    case poetry = "poetry runs"
    case docker = "docker reaches its engine without sudo"
    case scriptLanguages = "script-languages-release is cloned with its submodules"
    case messageComes = "the message of the day shows JupyterLab's address with a token"
    case console = "the console shows the same address above the login prompt"
    case jupyterUp = "JupyterLab asks for a token or password"
    case jupyterListens = "JupyterLab listens only where the message of the day says"
    case jupyterRefuses = "JupyterLab refuses a wrong token and the default password"
    case jupyterLab = "JupyterLab answers 200 to /lab with the token"
    case jupyterAPI = "JupyterLab's API answers with the token"
    case kernel = "JupyterLab starts a kernel that runs code"
    case plot = "the kernel draws a plot"
    case query = "the kernel queries DuckDB"
    case notebooks = "every notebook of the sandbox runs to its end"
    case distributions = "every pinned Python distribution can be imported"
    case connector = "the imports of the connector's notebooks succeed"
    case flavors = "exaslct reads the flavors of script-languages-release"
    case jupyterChange = "the password of JupyterLab is changed the way the message says"
    case messageStays = "the message of the day shows the address without a token then"
    case jupyterNewPassword = "JupyterLab takes only the new password then"
    case secondAnswers = "sshd answers on a second copy"
    case secondHostKeys = "a second copy has host keys of its own"
    case secondPassword = "the default password opens the second copy too"
    case secondMachineID = "a second copy has a machine-id of its own"
    case secondToken = "a second copy has a token of its own"

    /// The check that must pass before this one can run.
    package var needs: Check? {
        switch self {
        case .answers: nil
        case .passwordForced: .answers
        case .oldPasswordRefused, .newPasswordAccepted: .passwordForced
        case .sudo, .groups, .sudoAsks, .poetry, .docker, .scriptLanguages, .messageComes, .coreDumps, .notebooks,
            .distributions, .connector, .flavors:
            .newPasswordAccepted
        case .loginUsers, .sshFiles, .history, .buildFiles, .packageCaches, .logs, .jupyterSecrets, .cloudState,
            .hostConfiguration, .machineID, .passwordLogin, .securityUpdates, .units, .boot, .disk:
            .sudo
        case .console: .messageComes
        case .jupyterUp: .answers
        case .jupyterListens, .jupyterRefuses, .jupyterLab: .jupyterUp
        case .jupyterAPI: .jupyterLab
        case .kernel: .jupyterLab
        case .plot, .query: .kernel
        case .jupyterChange: .messageComes
        case .messageStays, .jupyterNewPassword: .jupyterChange
        case .secondAnswers: .answers
        case .secondHostKeys: .secondAnswers
        // If the first copy rejected the default password, there is no need to try it on the second.
        case .secondPassword: .passwordForced
        case .secondMachineID, .secondToken: .secondPassword
        }
    }

    /// The source of the facts that decide this check; `nil` if the check has its own session instead.
    package var source: FactSource? {
        switch self {
        case .groups, .sudoAsks, .poetry, .docker, .scriptLanguages, .coreDumps: .user
        case .loginUsers, .sshFiles, .history, .buildFiles, .packageCaches, .logs, .jupyterSecrets, .cloudState,
            .hostConfiguration, .machineID, .passwordLogin, .securityUpdates, .units, .boot, .disk:
            .root
        case .kernel, .plot, .query, .notebooks, .distributions, .connector, .flavors: .kernels
        default: nil
        }
    }
}

extension Check {
    /// The smallest scope that includes this check.
    package var scope: CheckScope {
        switch self {
        case .answers, .passwordForced, .oldPasswordRefused, .newPasswordAccepted, .messageComes, .jupyterUp,
            .jupyterLab:
            .login
        case _ where source == .kernels: .all
        default: .system
        }
    }
}

/// How much of an image is verified.
package enum CheckScope: String, CaseIterable, Sendable {
    /// That its owner can log in and open JupyterLab; boots one copy.
    case login
    /// Everything except what runs in kernels, which takes many minutes in emulation.
    case system
    case all

    func includes(_ check: Check) -> Bool {
        let order = Self.allCases
        return order.firstIndex(of: check.scope)! <= order.firstIndex(of: self)!
    }
}

/// What gathers the facts: a shell script as one of two users, or the program that runs kernels and notebooks.
package enum FactSource: Sendable { case user, root, kernels }

/// The verdict of a check.
package enum Verdict: Sendable, Equatable {
    /// The check passed, with the observed value if it is worth reporting.
    case passed(String? = nil)
    case failed(String)
    case skipped(String)
}

extension CheckResult {
    package init(_ check: Check, _ verdict: Verdict, seconds: Double) {
        let (outcome, message): (Outcome, String?) =
            switch verdict {
            case .passed(let seen): (.passed, seen)
            case .failed(let reason): (.failed, reason)
            case .skipped(let reason): (.skipped, reason)
            }
        self.init(name: check.rawValue, outcome: outcome, seconds: seconds, message: message)
    }
}

/// Runs checks, reports each result, and skips checks that depend on one that failed.
actor CheckRunner {
    private(set) var results: [CheckResult] = []
    private var outcomes: [Check: CheckResult.Outcome] = [:]
    private var console: ConsoleLog?
    private let checks: [Check]
    private let onCheck: @Sendable (CheckResult) -> Void
    private let clock: any Clock<Duration>

    init(
        scope: CheckScope = .all, clock: any Clock<Duration> = ContinuousClock(),
        onCheck: @escaping @Sendable (CheckResult) -> Void
    ) {
        self.checks = Check.allCases.filter(scope.includes)
        self.clock = clock
        self.onCheck = onCheck
    }

    /// Whether a check that fulfills a condition is within the scope.
    nonisolated func includes(_ condition: (Check) -> Bool) -> Bool { checks.contains(where: condition) }

    var hasFailures: Bool { outcomes.values.contains(.failed) }

    /// Sets the console log of the copy that the next checks run on.
    func watch(_ console: ConsoleLog?) {
        self.console = console
    }

    /// Runs one check if it is within the scope. An error of `body` counts as a failed check; only cancellation is rethrown.
    func make(_ check: Check, _ body: @Sendable () async throws -> Verdict) async throws {
        try Task.checkCancellation()
        guard checks.contains(check) else { return }
        if let reason = obstacle(of: check) { return record(check, .skipped(reason), seconds: 0) }
        let stopwatch = Stopwatch(clock)
        do {
            record(check, try await body(), seconds: stopwatch.seconds)
        } catch {
            try Task.checkCancellation()
            record(check, .failed("\(error)"), seconds: stopwatch.seconds)
        }
    }

    func passed(_ check: Check) -> Bool { outcomes[check] == .passed }

    /// Records an error that ended the verification early, as a failure of the next check.
    func end(with error: any Error) {
        guard let next = checks.first(where: { outcomes[$0] == nil }) else { return }
        record(next, .failed("\(error)"), seconds: 0)
    }

    /// Records the remaining checks as skipped.
    func skipRest() {
        for check in checks where outcomes[check] == nil {
            record(check, .skipped(obstacle(of: check) ?? "the verification ended early"), seconds: 0)
        }
    }

    private func obstacle(of check: Check) -> String? {
        guard let needed = check.needs, let outcome = outcomes[needed], outcome != .passed else { return nil }
        return outcome == .failed ? "'\(needed.rawValue)' failed" : "'\(needed.rawValue)' was skipped"
    }

    private func record(_ check: Check, _ verdict: Verdict, seconds: Double) {
        var result = CheckResult(check, verdict, seconds: seconds)
        if result.outcome == .failed {
            result.message = [result.message, console?.keep()].compactMap(\.self).joined(separator: "\n")
        }
        outcomes[check] = result.outcome
        results.append(result)
        onCheck(result)
    }
}

/// The console output of a guest, saved if one of its checks fails.
struct ConsoleLog: Sendable {
    var path: String
    var directory: String
    var name: String

    /// Saves the log.
    /// - Returns: A line with the path of the saved log, or with the reason why it was not saved; `nil` if there is
    ///   no log.
    @discardableResult
    func keep() -> String? {
        guard fileExists(path), let text = try? readText(path) else { return nil }
        do {
            try makeDirectory(directory)
            try writeAtomically(text, to: "\(directory)/\(name)")
            return "console log: \(directory)/\(name)"
        } catch { return "failed to save the console log: \(error)" }
    }
}
