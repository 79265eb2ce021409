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
