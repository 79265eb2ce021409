import Sandbox
import Workbench

/// Proves an exported image by booting fresh copies of it and using them the way a person does.
///
/// - Parameters:
///   - logs: the directory where the console log of a copy is kept when a check of it fails.
///   - onProgress: what is being waited for right now.
///   - onCheck: each check's result as it comes.
/// - Returns: all checks, the failed and the skipped too; an image that never boots is a failed check, no error.
/// - Throws: `CancellationError`, or what kept the host from showing a copy where that is not the image's fault.
package func verifyVM(
    image: String, on host: some GuestHost, expecting expectations: Expectations, runner: some CommandRunner,
    logs: String, onProgress: @escaping @Sendable (Progress) -> Void = { _ in },
    onCheck: @escaping @Sendable (CheckResult) -> Void = { _ in }
) async throws -> VerificationReport {
    let log = CheckLog(onCheck: onCheck)
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

/// The copies that are booted, by the names that their host is given.
package enum GuestCopy: String, CaseIterable, Sendable {
    /// Everything is checked of it.
    case first
    /// It is only told from the first.
    case second
}

/// By what a copy is told from another.
struct Identity: Sendable {
    var hostKeys: HostKeys?
    var machineID: String?
}

struct Verification<Host: GuestHost, Runner: CommandRunner>: Sendable {
    var image: String
    var host: Host
    var expectations: Expectations
    var runner: Runner
    var logs: String
    var log: CheckLog
    var onProgress: @Sendable (Progress) -> Void

    func checkFirstCopy() async throws -> Identity {
        try await visit(.first) { visit, jupyter in
            var identity = Identity()
            identity.hostKeys = try await checkAnswer(.answers, visit)
            try await checkPasswords(visit)
            // Before any interactive login, which leaves a history itself.
            identity.machineID = try await checkFacts(visit)
            let message = try await checkMessage(visit)
            try await checkJupyter(visit, jupyter)
            try await checkChangeOfJupyterPassword(visit, jupyter, message)
            return identity
        }
    }

    func checkSecondCopy(unlike first: Identity) async throws {
        guard await log.passed(.answers) else { return }
        try await visit(.second) { visit, _ in
            let keys = try await checkAnswer(.secondAnswers, visit)
            try await log.make(.secondHostKeys) {
                guard let keys, let other = first.hostKeys else { return .skipped("the keys are not known") }
                let same = keys.keys.intersection(other.keys)
                return same.isEmpty
                    ? .passed(keys.types.joined(separator: ", ")) : .failed("the same: \(same.sorted())")
            }
            try await log.make(.secondPassword) { try await visit.changeForcedPassword() }
            try await log.make(.secondMachineID) {
                let (said, id) = try await visit.readMachineID()
                guard let id else { return .failed(said) }
                guard let other = first.machineID else { return .skipped("that of the first copy is not known") }
                return id == other ? .failed("both are \(id)") : .passed(id)
            }
        }
    }

    private func checkAnswer(_ check: Check, _ visit: Visit<Runner>) async throws -> HostKeys? {
        let found = Box<HostKeys>()
        try await log.make(check) {
            let keys = try await visit.waitForSSH()
            await found.set(keys)
            return .passed(keys.types.joined(separator: ", "))
        }
        return await found.value
    }

    private func checkPasswords(_ visit: Visit<Runner>) async throws {
        try await log.make(.passwordForced) { try await visit.changeForcedPassword() }
        try await log.make(.oldPasswordRefused) {
            let (entered, said) = try await visit.logsIn(with: expectations.password)
            if entered { return .failed("the default password still opens the guest") }
            return said.contains("Permission denied") ? .passed() : .failed(said)
        }
        try await log.make(.newPasswordAccepted) {
            let (entered, said) = try await visit.logsIn(with: visit.newPassword)
            return entered ? .passed() : .failed(said)
        }
    }

    /// - Returns: the machine-id.
    private func checkFacts(_ visit: Visit<Runner>) async throws -> String? {
        let (root, user) = (Box<Facts>(), Box<Facts>())
        try await log.make(.sudo) {
            await root.set(try await visit.gatherRootFacts())
            return .passed()
        }
        if await log.passed(.newPasswordAccepted) {
            do { await user.set(try await visit.gatherUserFacts()) } catch {
                try Task.checkCancellation()
                await user.fail(with: error)
            }
        }
        for check in Check.allCases {
            guard let source = check.source else { continue }
            let facts = source == .root ? root : user
            try await log.make(check) { judge(check, try await facts.get(), expectations) }
        }
        return try? await root.value?.value("machine_id")
    }

    private func checkMessage(_ visit: Visit<Runner>) async throws -> MessageOfTheDay? {
        let found = Box<MessageOfTheDay>()
        try await log.make(.messageComes) {
            let message = try await visit.readMessage()
            guard let address = message.address(port: expectations.jupyterPort) else {
                return .failed("a login shows: \(message.text.lastLines)")
            }
            guard message.command != nil else {
                return .failed("it does not say how to change the password: \(message.text.lastLines)")
            }
            await found.set(message)
            return .passed(address)
        }
        return await found.value
    }

    /// Boots a copy and looks after its console log and its shared connection.
    private func visit<Result: Sendable>(
        _ copy: GuestCopy, _ body: @escaping @Sendable (Visit<Runner>, JupyterClient<Runner>) async throws -> Result
    ) async throws -> Result {
        onProgress(Progress("booting the \(copy.rawValue) copy"))
        return try await host.withGuest(copy.rawValue) { address in
            let console = ConsoleLog(path: address.consoleLog, directory: logs, name: logName(of: copy))
            await log.watch(console)
            return try await withTemporaryDirectory { directory in
                let login = GuestLogin(to: address, as: expectations.user, in: directory)
                let visit = Visit(
                    runner: runner, address: address, login: login, expectations: expectations,
                    newPassword: .random(), onProgress: onProgress)
                let jupyter = JupyterClient(runner: runner, address: address, directory: directory)
                return try await finally {
                    try await body(visit, jupyter)
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

/// Carries a value out of a check.
private actor Box<Value: Sendable> {
    private var result: Result<Value, any Error>?

    var value: Value? { try? result?.get() }
    func set(_ value: Value) { result = .success(value) }
    func fail(with error: any Error) { result = .failure(error) }

    func get() throws -> Value {
        guard let result else { throw CheckFailed("the guest was not asked") }
        return try result.get()
    }
}

extension Secret {
    /// A password that no rule for passwords refuses: 20 characters of several kinds.
    static func random() -> Secret {
        let letters = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        return Secret("Aa7-" + String((0..<16).map { _ in letters.randomElement()! }))
    }
}

/// What is checked of JupyterLab.
extension Verification {
    func checkJupyter(_ visit: Visit<Runner>, _ jupyter: JupyterClient<Runner>) async throws {
        let hasPassword = await log.passed(.newPasswordAccepted)
        try await log.make(.jupyterUp) {
            if visit.address.remote != nil, !hasPassword {
                return .skipped("it is reached through SSH, and '\(Check.newPasswordAccepted.rawValue)' did not pass")
            }
            try await visit.openTunnel()
            let answer = try await waitForJupyter(jupyter)
            guard answer.asksForPassword else { return .failed("/lab answers \(answer) to a stranger") }
            let api = try await jupyter.get("/api/contents")
            return [401, 403].contains(api.status) ? .passed() : .failed("/api/contents answers \(api) to a stranger")
        }
        try await log.make(.jupyterRefuses) {
            let answer = try await jupyter.logIn(with: Secret("not-the-password"))
            guard !answer.letsIn else { return .failed("the form answers \(answer)") }
            let lab = try await jupyter.get("/lab")
            return lab.asksForPassword ? .passed() : .failed("/lab answers \(lab) afterwards")
        }
        try await log.make(.jupyterLab) { try await enter(jupyter, with: expectations.jupyterPassword) }
        try await log.make(.jupyterAPI) {
            let answer = try await jupyter.get("/api/kernelspecs")
            return answer.status == 200 ? .passed() : .failed("/api/kernelspecs answers \(answer)")
        }
    }

    func checkChangeOfJupyterPassword(
        _ visit: Visit<Runner>, _ jupyter: JupyterClient<Runner>, _ message: MessageOfTheDay?
    ) async throws {
        let password = Secret.random()
        try await log.make(.jupyterChange) {
            try await visit.changeJupyterPassword(by: message?.command ?? "", to: password)
        }
        try await log.make(.messageGoes) {
            let message = try await visit.readMessage()
            let stays = message.mentionsJupyter(port: expectations.jupyterPort)
            return stays ? .failed("a login still shows: \(message.text.lastLines)") : .passed()
        }
        try await log.make(.jupyterNewPassword) {
            _ = try await waitForJupyter(jupyter)
            guard case .passed = try await enter(jupyter, with: password) else {
                return .failed("the new password is refused")
            }
            let answer = try await jupyter.logIn(with: expectations.jupyterPassword)
            return answer.letsIn ? .failed("the default password is still taken") : .passed()
        }
    }

    private func enter(_ jupyter: JupyterClient<Runner>, with password: Secret) async throws -> Verdict {
        let answer = try await jupyter.logIn(with: password)
        guard answer.letsIn else { return .failed("the form answers \(answer)") }
        let lab = try await jupyter.get("/lab", limit: 60)
        return lab.status == 200 ? .passed() : .failed("/lab answers \(lab) after login")
    }

    private func waitForJupyter(_ jupyter: JupyterClient<Runner>) async throws -> JupyterClient<Runner>.Answer {
        let start = ContinuousClock.now
        while true {
            let answer = try await jupyter.get("/lab")
            if answer.status != 0 { return answer }
            let waited = ContinuousClock.now - start
            guard waited < expectations.limits.services else { throw CheckFailed("JupyterLab gives \(answer)") }
            onProgress(Progress("waiting for JupyterLab, \(waited.components.seconds) s"))
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// What an image promises, to be held against a booted copy of it.
package struct Expectations: Sendable, Equatable {
    /// The login user, member of sudo and docker.
    package var user: String
    /// The expired password that the first login must replace.
    package var password: Secret
    /// The password of JupyterLab until its user changes it.
    package var jupyterPassword: Secret
    /// The port inside the guest, as the message of the day names it.
    package var jupyterPort: Int
    /// Components that the build knowingly went without, from the image's manifest; their checks are skipped.
    package var missing: [MissingComponent]
    package var paths: Paths
    package var limits: Limits

    package init(
        user: String = "ubuntu", password: Secret, jupyterPassword: Secret, jupyterPort: Int = 49494,
        missing: [MissingComponent] = [], paths: Paths = .init(), limits: Limits = .init()
    ) {
        self.user = user
        self.password = password
        self.jupyterPassword = jupyterPassword
        self.jupyterPort = jupyterPort
        self.missing = missing
        self.paths = paths
        self.limits = limits
    }

    /// Where the playbook puts things; relative paths start at the user's home.
    package struct Paths: Sendable, Equatable {
        package var scriptLanguages: String
        /// What the build itself recorded as missing, as a JSON list of components.
        package var missingComponents: String

        package init(
            scriptLanguages: String = "script-languages-release",
            missingComponents: String = "/usr/local/share/dss/missing.json"
        ) {
            self.scriptLanguages = scriptLanguages
            self.missingComponents = missingComponents
        }
    }

    /// How long a guest may take; generous, because an emulated one is twenty times slower than a real one.
    package struct Limits: Sendable, Equatable {
        /// Until sshd answers.
        package var boot: Duration
        /// Until JupyterLab and the Docker engine answer, from the first login on.
        package var services: Duration
        /// For one login, or one question to the guest.
        package var answer: Duration
        /// For everything, both copies together.
        package var total: Duration

        package init(
            boot: Duration = .seconds(300), services: Duration = .seconds(180), answer: Duration = .seconds(90),
            total: Duration = .seconds(1200)
        ) {
            self.boot = boot
            self.services = services
            self.answer = answer
            self.total = total
        }
    }
}
