import Sandbox
import Workbench

/// Verifies an exported image: boots fresh copies of it and uses them the way a user does.
///
/// - Parameters:
///   - scope: Which checks to run.
///   - logs: The directory in which the console log of a copy is saved if one of its checks fails.
///   - onProgress: Called with the current activity.
///   - onCheck: Called with the result of each check as it completes.
/// - Returns: A report of all checks, including failed and skipped ones. An image that never boots is a failed check,
///   not an error.
/// - Throws: `CancellationError`, or the reason why the host could not start a copy if the image is not at fault.
package func verifyVM(
    image: String, on host: some GuestHost, expecting expectations: Expectations, runner: some CommandRunner,
    scope: CheckScope = .all, logs: String, onProgress: @escaping @Sendable (Progress) -> Void = { _ in },
    onCheck: @escaping @Sendable (CheckResult) -> Void = { _ in }
) async throws -> VerificationReport {
    let log = CheckRunner(scope: scope, onCheck: onCheck)
    let verification = Verification(
        image: image, host: host, expectations: expectations, runner: runner, logs: logs, log: log,
        onProgress: onProgress)
    do {
        try await withTimeout(expectations.limits.total, "the verification") {
            let first = try await verification.checkFirstCopy()
            try await verification.checkSecondCopy(unlike: first)
        }
    } catch {
        try Task.checkCancellation()
        if let failed = error as? GuestHostFailed { throw failed.cause }
        await log.end(with: error)
    }
    await log.skipRest()
    return VerificationReport(
        image: image, hardware: host.hardware, accelerator: host.accelerator, checks: await log.results)
}

/// The copies that are booted; the raw value is the name passed to their host.
package enum GuestCopy: String, CaseIterable, Sendable {
    /// The copy that all checks run on.
    case first
    /// A copy that is only checked for differences from the first.
    case second
}

/// The properties that must differ between copies.
struct Identity: Sendable {
    var hostKeys: HostKeys?
    var machineID: String?
    var token: Secret?
}

struct Verification<Host: GuestHost, Runner: CommandRunner>: Sendable {
    var image: String
    var host: Host
    var expectations: Expectations
    var runner: Runner
    var logs: String
    var log: CheckRunner
    var onProgress: @Sendable (Progress) -> Void

    func checkFirstCopy() async throws -> Identity {
        try await visit(.first) { visit in
            var identity = Identity()
            identity.hostKeys = try await checkAnswer(.answers, visit)
            try await checkPasswords(visit)
            // Before any interactive login, which writes a shell history.
            identity.machineID = try await checkFacts(visit)
            let invitation = try await checkMessage(visit)
            identity.token = invitation?.token
            let jupyter = visit.browser(for: invitation)
            try await checkJupyter(visit, jupyter, invitation)
            try await checkKernels(visit, invitation?.token)
            try await checkChangeOfJupyterPassword(visit, jupyter, invitation)
            return identity
        }
    }

    func checkSecondCopy(unlike first: Identity) async throws {
        guard log.includes({ $0 == .secondAnswers }), await log.passed(.answers) else { return }
        try await visit(.second) { visit in
            let keys = try await checkAnswer(.secondAnswers, visit)
            try await log.make(.secondHostKeys) {
                guard let keys, let other = first.hostKeys else { return .skipped("the host keys are unknown") }
                let same = keys.keys.intersection(other.keys)
                return same.isEmpty
                    ? .passed(keys.types.joined(separator: ", "))
                    : .failed("same keys: \(same.sorted().joined(separator: ", "))")
            }
            try await log.make(.secondPassword) { try await visit.changeForcedPassword() }
            try await log.make(.secondMachineID) {
                let (said, id) = try await visit.readMachineID()
                guard let id else { return .failed(said) }
                guard let other = first.machineID else {
                    return .skipped("the machine-id of the first copy is unknown")
                }
                return id == other ? .failed("both copies have \(id)") : .passed(id)
            }
            try await log.make(.secondToken) {
                guard let other = first.token else { return .skipped("the token of the first copy is unknown") }
                let message = try await visit.readMessage()
                guard let token = message.link(port: expectations.jupyterPort)?.token else {
                    return .failed("login shows: \(message.text.lastLines)")
                }
                return token == other ? .failed("both copies have the same token") : .passed()
            }
        }
    }

    private func checkAnswer(_ check: Check, _ visit: GuestSession<Runner>) async throws -> HostKeys? {
        let found = Box<HostKeys>()
        try await log.make(check) {
            let keys = try await visit.waitForSSH()
            await found.set(keys)
            return .passed(keys.types.joined(separator: ", "))
        }
        return await found.value
    }

    private func checkPasswords(_ visit: GuestSession<Runner>) async throws {
        try await log.make(.passwordForced) { try await visit.changeForcedPassword() }
        try await log.make(.oldPasswordRefused) {
            let (entered, said) = try await visit.logsIn(with: expectations.password)
            if entered { return .failed("the default password is still accepted") }
            return said.contains("Permission denied") ? .passed() : .failed(said)
        }
        try await log.make(.newPasswordAccepted) {
            let (entered, said) = try await visit.logsIn(with: visit.newPassword)
            return entered ? .passed() : .failed(said)
        }
    }

    /// - Returns: The machine-id.
    private func checkFacts(_ visit: GuestSession<Runner>) async throws -> String? {
        guard log.includes({ $0.source == .root }) else { return nil }
        let (root, user) = (Lazy(visit.gatherRootFacts), Lazy(visit.gatherUserFacts))
        try await log.make(.sudo) {
            _ = try await root.get()
            return .passed()
        }
        for (source, facts) in [(FactSource.user, user), (.root, root)] {
            try await check(source, facts)
        }
        guard await log.passed(.sudo) else { return nil }
        return try? await root.get().value("machine_id")
    }

    /// Runs the checks that these facts decide.
    private func check(_ source: FactSource, _ facts: Lazy<Facts>) async throws {
        for check in Check.allCases where check.source == source {
            try await log.make(check) { judge(check, try await facts.get(), expectations) }
        }
    }

    private func checkMessage(_ visit: GuestSession<Runner>) async throws -> Invitation? {
        let found = Box<Invitation>()
        try await log.make(.messageComes) {
            let message = try await visit.readMessage()
            guard let link = message.link(port: expectations.jupyterPort) else {
                return .failed("login shows: \(message.text.lastLines)")
            }
            guard let token = link.token else { return .failed("\(link.address) has no token") }
            guard let command = message.command else {
                return .failed("the message does not say how to change the password: \(message.text.lastLines)")
            }
            let needsTunnel = message.needsTunnel(to: expectations.jupyterPort)
            await found.set(Invitation(link: link, token: token, command: command, needsTunnel: needsTunnel))
            return .passed(link.address)
        }
        try await log.make(.console) { try await visit.readConsole(for: await found.value?.token) }
        return await found.value
    }

    private func checkKernels(_ visit: GuestSession<Runner>, _ token: Secret?) async throws {
        guard log.includes({ $0.source == .kernels }) else { return }
        let secret = await log.passed(.jupyterLab) ? token : nil
        try await check(.kernels, Lazy { try await visit.gatherKernelFacts(secret) })
    }

    /// Boots a copy, calls `body`, and then saves the console log if a check failed and closes the shared connection.
    private func visit<Result: Sendable>(
        _ copy: GuestCopy,
        _ body: @escaping @Sendable (GuestSession<Runner>) async throws -> Result
    ) async throws -> Result {
        onProgress(Progress("booting the \(copy.rawValue) copy"))
        return try await host.withGuest(copy.rawValue) { address in
            let console = ConsoleLog(path: address.consoleLog, directory: logs, name: logName(of: copy))
            await log.watch(console)
            return try await withTemporaryDirectory { directory in
                let login = GuestLogin(to: address, as: expectations.user, in: directory)
                let visit = GuestSession(
                    runner: runner, address: address, login: login, expectations: expectations,
                    newPassword: .random(), onProgress: onProgress)
                return try await finally {
                    try await body(visit)
                } cleanup: {
                    _ = try? await runner.execute(login.hangUp)
                    if await log.hasFailures { console.keep() }
                    await log.watch(nil)
                }
            }
        }
    }

    private func logName(of copy: GuestCopy) -> String {
        let file = baseName(image)
        let hardware = host.hardware.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return "\(file).\(String(hardware)).\(copy.rawValue).console.log"
    }
}

/// What the message of the day says about JupyterLab.
struct Invitation: Sendable {
    var link: JupyterLink
    var token: Secret
    /// The command that sets a password.
    var command: String
    /// Whether JupyterLab is reached through an SSH tunnel only.
    var needsTunnel: Bool
}

/// Passes a value out of the closure of a check.
private actor Box<Value: Sendable> {
    private(set) var value: Value?
    func set(_ value: Value) { self.value = value }
}

/// Gathers a value when the first check asks for it, whose time then includes that.
private actor Lazy<Value: Sendable> {
    private let gather: @Sendable () async throws -> Value
    private var result: Result<Value, any Error>?

    init(_ gather: @escaping @Sendable () async throws -> Value) { self.gather = gather }

    func get() async throws -> Value {
        if let result { return try result.get() }
        do {
            let value = try await gather()
            result = .success(value)
            return value
        } catch {
            result = .failure(error)
            throw error
        }
    }
}

extension Secret {
    /// A random password that meets common password policies: 20 characters of several classes.
    static func random() -> Secret {
        let letters = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        return Secret("Aa7-" + String((0..<16).map { _ in letters.randomElement()! }))
    }
}

/// The checks of JupyterLab.
extension Verification {
    func checkJupyter(
        _ visit: GuestSession<Runner>, _ jupyter: JupyterClient<Runner>, _ invitation: Invitation?
    ) async throws {
        let hasPassword = await log.passed(.newPasswordAccepted)
        try await log.make(.jupyterUp) {
            if jupyter.tunnel != nil {
                guard hasPassword else {
                    return .skipped(
                        "JupyterLab is reached through SSH, and '\(Check.newPasswordAccepted.rawValue)' did not pass")
                }
                try await visit.openTunnel()
            }
            let answer = try await waitForJupyter(jupyter)
            guard answer.asksForPassword else { return .failed("/lab returned \(answer) without login") }
            let api = try await jupyter.get("/api/contents")
            return [401, 403].contains(api.status) ? .passed() : .failed("/api/contents returned \(api) without login")
        }
        try await log.make(.jupyterListens) {
            guard let invitation else { return .skipped("'\(Check.messageComes.rawValue)' did not pass") }
            if invitation.needsTunnel, visit.address.remote == nil {
                let direct = JupyterClient(runner: runner, address: visit.address, directory: jupyter.directory)
                let answer = try await direct.get("/lab")
                guard answer.status == 0 else { return .failed("/lab returned \(answer) without a tunnel") }
            }
            return try await visit.readListeners().verdict(needsTunnel: invitation.needsTunnel)
        }
        try await log.make(.jupyterRefuses) {
            for (name, secret) in [("a wrong token", .random()), ("the default password", expectations.password)] {
                let answer = try await jupyter.logIn(with: secret)
                guard !answer.letsIn else { return .failed("JupyterLab accepts \(name)") }
                let lab = try await jupyter.get("/lab")
                guard lab.asksForPassword else { return .failed("/lab returned \(lab) after login with \(name)") }
            }
            return .passed()
        }
        try await log.make(.jupyterLab) {
            guard let invitation else { return .skipped("'\(Check.messageComes.rawValue)' did not pass") }
            let page = try await jupyter.open(invitation.link)
            guard page.status == 200 else { return .failed("the address with the token returned \(page)") }
            return try await enter(jupyter, with: invitation.token)
        }
        try await log.make(.jupyterAPI) {
            let answer = try await jupyter.get("/api/kernelspecs")
            return answer.status == 200 ? .passed() : .failed("/api/kernelspecs returned \(answer)")
        }
    }

    func checkChangeOfJupyterPassword(
        _ visit: GuestSession<Runner>, _ jupyter: JupyterClient<Runner>, _ invitation: Invitation?
    ) async throws {
        let password = Secret.random()
        try await log.make(.jupyterChange) {
            try await visit.changeJupyterPassword(by: invitation?.command ?? "", to: password)
        }
        try await log.make(.messageStays) {
            let message = try await visit.readMessage()
            guard let link = message.link(port: expectations.jupyterPort) else {
                return .failed("login shows: \(message.text.lastLines)")
            }
            return link.token == nil ? .passed(link.address) : .failed("\(link.address) still has a token")
        }
        try await log.make(.jupyterNewPassword) {
            _ = try await waitForJupyter(jupyter)
            guard case .passed = try await enter(jupyter, with: password) else {
                return .failed("the new password was rejected")
            }
            guard let invitation else { return .passed() }
            for (name, secret) in [("token", invitation.token), ("default password", expectations.password)] {
                let answer = try await jupyter.logIn(with: secret)
                guard !answer.letsIn else { return .failed("the \(name) is still accepted") }
            }
            let page = try await jupyter.open(invitation.link)
            return page.asksForPassword ? .passed() : .failed("the address with the token returned \(page)")
        }
    }

    private func enter(_ jupyter: JupyterClient<Runner>, with password: Secret) async throws -> Verdict {
        let answer = try await jupyter.logIn(with: password)
        guard answer.letsIn else { return .failed("the login form returned \(answer)") }
        let lab = try await jupyter.get("/lab", limit: 60)
        return lab.status == 200 ? .passed() : .failed("/lab returned \(lab) after login")
    }

    private func waitForJupyter(_ jupyter: JupyterClient<Runner>) async throws -> JupyterClient<Runner>.Answer {
        let start = ContinuousClock.now
        while true {
            let answer = try await jupyter.get("/lab")
            if answer.status != 0 { return answer }
            let waited = ContinuousClock.now - start
            guard waited < expectations.limits.services else { throw CheckFailure("JupyterLab returned \(answer)") }
            onProgress(Progress("waiting for JupyterLab, \(waited.components.seconds) s"))
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// The expected properties of an image, for comparison with a booted copy.
package struct Expectations: Sendable, Equatable {
    /// The login user, member of sudo and docker.
    package var user: String
    /// The expired password that the first login must replace.
    package var password: Secret
    /// The port inside the guest, as the message of the day names it.
    package var jupyterPort: Int
    /// Components that the build deliberately omitted, from the image's manifest; their checks are skipped.
    package var missing: [MissingComponent]
    package var paths: Paths
    package var limits: Limits

    package init(
        user: String = "ubuntu", password: Secret, jupyterPort: Int = 49494, missing: [MissingComponent] = [],
        paths: Paths = .init(), limits: Limits = .init()
    ) {
        self.user = user
        self.password = password
        self.jupyterPort = jupyterPort
        self.missing = missing
        self.paths = paths
        self.limits = limits
    }

    /// Paths inside the guest that the playbook uses; relative paths start at the user's home directory.
    package struct Paths: Sendable, Equatable {
        package var scriptLanguages: String
        /// The file in which the build recorded missing components, as a JSON list.
        package var missingComponents: String
        /// The Python environment of JupyterLab.
        package var jupyter: String
        package var notebooks: String
        /// The directory in which the build recorded the Python environments.
        package var pythonRecords: String

        package init(
            scriptLanguages: String = "script-languages-release",
            missingComponents: String = "/usr/local/share/dss/missing.json", jupyter: String = "/opt/jupyterlab",
            notebooks: String = "notebooks", pythonRecords: String = "/usr/local/share/dss/python"
        ) {
            self.scriptLanguages = scriptLanguages
            self.missingComponents = missingComponents
            self.jupyter = jupyter
            self.notebooks = notebooks
            self.pythonRecords = pythonRecords
        }
    }

    /// Time limits; generous, because an emulated guest is about twenty times slower than a hardware-accelerated one.
    package struct Limits: Sendable, Equatable {
        /// Limit until sshd answers.
        package var boot: Duration
        /// Limit from the first login until JupyterLab and the Docker engine answer.
        package var services: Duration
        /// Limit for one login or one query to the guest.
        package var answer: Duration
        /// Limit for everything that runs in kernels, and for all imports.
        package var kernels: Duration
        /// Limit for one cell of a notebook or one import.
        package var step: Duration
        /// Limit for the whole verification of both copies.
        package var total: Duration

        package init(
            boot: Duration = .seconds(600), services: Duration = .seconds(360), answer: Duration = .seconds(300),
            kernels: Duration = .seconds(1800), step: Duration = .seconds(300), total: Duration = .seconds(4200)
        ) {
            self.boot = boot
            self.services = services
            self.answer = answer
            self.kernels = kernels
            self.step = step
            self.total = total
        }
    }
}
