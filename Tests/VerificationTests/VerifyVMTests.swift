import FoundationEssentials
import GuestTestSupport
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Verification

/// The whole conversation with a guest, against a real sshd.
@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled(if: FakeGuest.missing == nil, "a pretend guest \(FakeGuest.missing ?? "")"))
struct VerifyVMTests {
    private func verify(
        _ guest: some GuestHost, password: String = "dss-default", missing: [MissingComponent] = [],
        jupyterPort: Int = 49494,
        limits: Expectations.Limits = .init(boot: .seconds(20), services: .seconds(5), answer: .seconds(20)),
        logs: String? = nil
    ) async throws -> [Check: CheckResult] {
        try await withTemporaryDirectory { directory in
            try await verify(guest, password, missing, jupyterPort, limits, logs: logs ?? directory)
        }
    }

    private func verify(
        _ guest: some GuestHost, _ password: String, _ missing: [MissingComponent], _ jupyterPort: Int,
        _ limits: Expectations.Limits, logs: String
    ) async throws -> [Check: CheckResult] {
        let told = Told()
        let report = try await verifyVM(
            image: "/images/test.vmdk", on: guest,
            expecting: Expectations(
                password: Secret(password), jupyterPort: jupyterPort, missing: missing, limits: limits),
            runner: SystemCommandRunner(), logs: logs, onCheck: { told.add($0) })
        #expect(told.checks == report.checks)
        #expect(report.checks.map(\.name).sorted() == Check.allCases.map(\.rawValue).sorted())
        return Dictionary(uniqueKeysWithValues: report.checks.map { (Check(rawValue: $0.name)!, $0) })
    }

    private func expect(
        _ results: [Check: CheckResult], _ outcome: CheckResult.Outcome, _ checks: [Check],
        _ location: SourceLocation = #_sourceLocation
    ) {
        for check in checks {
            let result = results[check]
            #expect(
                result?.outcome == outcome, "\(check.rawValue): \(result?.message ?? "")", sourceLocation: location)
        }
    }

    /// What only a booted system with systemd and a disk has.
    private let beyondPretence: Set<Check> = [.units, .boot, .disk]

    @Test(arguments: [false, true])
    func aGoodGuestPasses(isInteractive: Bool) async throws {
        let missing = [MissingComponent(component: "script_languages", reason: "no route to it")]
        let results = try await verify(FakeGuest(isInteractive: isInteractive), missing: missing)
        let lacking: Set<Check> = [.scriptLanguages]
        expect(results, .passed, Check.allCases.filter { !beyondPretence.union(lacking).contains($0) })
        expect(results, .skipped, Array(lacking))
        #expect(results[.scriptLanguages]?.message == "the image was built without it: no route to it")
        #expect(
            results[.passwordForced]?.message
                == (isInteractive ? "prompted during login" : "prompted by passwd after login"))
    }

    @Test(arguments: [false, true])
    func jupyterLabIsReachedThroughATunnelIfTheMessageSaysSo(isOpen: Bool) async throws {
        let port = try freePort()
        // One that listens on all addresses, against what it says.
        let twist = "printf '#!/bin/sh\\necho LISTEN 0 128 0.0.0.0:\(port) 0.0.0.0:x\\n' >/usr/local/bin/ss"
        let guest = FakeGuest(twist: isOpen ? twist : "", jupyterPort: port, shownPort: port, isLocal: true)
        let results = try await verify(guest, jupyterPort: port)
        expect(
            results, .passed,
            [.messageComes, .jupyterUp, .jupyterRefuses, .jupyterLab, .jupyterAPI, .kernel, .jupyterNewPassword])
        expect(results, isOpen ? .failed : .passed, [.jupyterListens])
        let message = try #require(results[.jupyterListens]?.message)
        #expect(message.hasPrefix(isOpen ? "JupyterLab listens on 0.0.0.0:\(port)" : "127.0.0.1:\(port)"))
    }

    @Test func aPortThatAnswersFromOutsideIsFound() async throws {
        let port = try freePort()
        let guest = FakeGuest(jupyterPort: port, shownPort: port, isLocal: true, isForwarded: true)
        let results = try await verify(guest, jupyterPort: port)
        expect(results, .passed, [.jupyterUp, .jupyterLab])
        expect(results, .failed, [.jupyterListens])
        #expect(results[.jupyterListens]?.message?.contains("without a tunnel") == true)
    }

    @Test(arguments: [CheckScope.login, .system])
    func onlyTheChecksOfTheScopeRun(scope: CheckScope) async throws {
        let report = try await withTemporaryDirectory { logs in
            try await verifyVM(
                image: "test.vmdk", on: FakeGuest(), expecting: Expectations(password: Secret("dss-default")),
                runner: SystemCommandRunner(), scope: scope, logs: logs)
        }
        let expected = Check.allCases.filter { $0.scope == .login || $0.scope == scope }
        #expect(report.checks.map(\.name).sorted() == expected.map(\.rawValue).sorted())
        #expect(scope != .login || report.passed, "\(report.checks)")
    }

    @Test func whatTheSealForgotIsFound() async throws {
        let guest = FakeGuest(
            twist: """
                mkdir /home/ubuntu/.ssh /run/dss && echo key >/home/ubuntu/.ssh/authorized_keys
                echo 'ls' >/home/ubuntu/.bash_history
                echo 'index-url = x' >/etc/pip.conf
                echo 'Match User nobody
                    PasswordAuthentication no' >/etc/ssh/sshd_config.d/50-cloud.conf
                useradd build
                rm /etc/security/limits.d/90-no-core-dumps.conf
                echo 11111111111111111111111111111111 >/etc/machine-id
                gpasswd -d ubuntu docker
                printf '#!/bin/sh\\necho "cannot connect to the engine" >&2; exit 1\\n' >/usr/local/bin/docker
                rm /etc/update-motd.d/*
                """)
        let results = try await verify(guest)
        expect(
            results, .failed,
            [
                .sshFiles, .buildFiles, .history, .hostConfiguration, .passwordLogin, .loginUsers, .groups, .docker,
                .secondMachineID, .messageComes, .scriptLanguages,
            ])
        expect(
            results, .skipped,
            [.console, .jupyterLab, .kernel, .plot, .jupyterChange, .messageStays, .jupyterNewPassword, .secondToken])
        expect(
            results, .passed,
            [.passwordForced, .newPasswordAccepted, .sudo, .jupyterUp, .jupyterRefuses, .notebooks, .secondHostKeys])
        #expect(results[.docker]?.message?.hasPrefix("cannot connect to the engine\nconsole log: ") == true)
        #expect(results[.loginUsers]?.message?.hasPrefix("other users: build") == true)
        #expect(results[.sshFiles]?.message?.contains("/home/ubuntu/.ssh/authorized_keys") == true)
    }

    @Test func aWrongDefaultPasswordIsNamed() async throws {
        try await withTemporaryDirectory { logs in
            let results = try await verify(FakeGuest(), password: "something-else", logs: logs)
            expect(results, .failed, [.passwordForced])
            expect(results, .skipped, [.oldPasswordRefused, .sudo, .units, .messageStays, .secondMachineID])
            let message = try #require(results[.passwordForced]?.message)
            #expect(message.contains("the guest rejected the default password of 'ubuntu'"))
            let kept = "\(logs)/test.vmdk.pretend--none.first.console.log"
            #expect(message.contains("console log: \(kept)"))
            #expect(try readText(kept).hasPrefix("pretend guest is starting"))
        }
    }

    @Test func aPasswordThatNeedNotBeChangedIsAFailure() async throws {
        let results = try await verify(FakeGuest(twist: "chage -d 20000 ubuntu"))
        expect(results, .failed, [.passwordForced])
        let message = try #require(results[.passwordForced]?.message)
        #expect(message.hasPrefix("'ubuntu' could log in without a password change"))
    }

    @Test func aGuestThatNeverAnswersShowsItsConsole() async throws {
        let results = try await verify(
            FakeGuest(twist: "echo 'Kernel panic - not syncing'; sleep 60"), limits: .init(boot: .seconds(2)))
        let message = try #require(results[.answers]?.message)
        expect(results, .failed, [.answers])
        #expect(message.contains("sshd did not answer within 2.0 seconds"))
        #expect(message.contains("Kernel panic - not syncing"))
        #expect(results.values.filter { $0.outcome == .skipped }.count == Check.allCases.count - 1)
    }

    /// The guest would be silent for longer than this test may take.
    @Test(.timeLimit(.minutes(5))) func everythingTogetherHasATimeLimit() async throws {
        let results = try await verify(FakeGuest(twist: "sleep 600"), limits: .init(total: .seconds(1)))
        expect(results, .failed, [.answers])
        let message = try #require(results[.answers]?.message)
        #expect(message.hasPrefix("the verification timed out after 1.0 seconds"))
    }
}

/// What needs no guest at all.
@Suite(.timeLimit(.minutes(1)))
struct VerifyVMWithoutGuestTests {
    struct BrokenHost: GuestHost {
        let hardware = "vmware, BIOS"
        let accelerator = "tcg"

        func withGuest<Result: Sendable>(
            _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
        ) async throws -> Result {
            throw Failure(.unavailable, "qemu is gone")
        }
    }

    @Test func aHostThatCannotBootIsAFailedCheck() async throws {
        let report = try await verifyVM(
            image: "x.vmdk", on: BrokenHost(),
            expecting: Expectations(password: Secret("a")),
            runner: SystemCommandRunner(), logs: "/nowhere")
        #expect(!report.passed)
        #expect(report.checks.count == Check.allCases.count)
        #expect(
            report.checks.first
                == CheckResult(name: "sshd answers", outcome: .failed, seconds: 0, message: "qemu is gone"))
        #expect(report.checks.dropFirst().allSatisfy { $0.outcome == .skipped })
        #expect((report.hardware, report.accelerator) == ("vmware, BIOS", "tcg"))
    }

    /// Keeps its copies from being seen, whatever the image is.
    struct LostHost: GuestHost {
        let hardware = "t3.medium"
        let accelerator = "EC2"

        func withGuest<Result: Sendable>(
            _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
        ) async throws -> Result {
            throw GuestHostFailed(Failure(.unavailable, "the service is gone"))
        }
    }

    @Test func aHostWhoseServiceFailsIsNoFailedCheck() async throws {
        let told = Told()
        let failure = try await #require(throws: Failure.self) {
            try await verifyVM(
                image: "ami-1", on: LostHost(),
                expecting: Expectations(password: Secret("a")),
                runner: SystemCommandRunner(), logs: "/nowhere", onCheck: told.add)
        }
        #expect(failure.code == .unavailable && failure.message == "the service is gone")
        #expect(told.checks.isEmpty)
    }

    @Test func aCancelledVerificationThrows() async throws {
        let verification = Task {
            try await verifyVM(
                image: "x", on: BrokenHost(),
                expecting: Expectations(password: Secret("a")),
                runner: SystemCommandRunner(), logs: "/nowhere")
        }
        verification.cancel()
        await #expect(throws: CancellationError.self) { _ = try await verification.value }
    }
}

final class Told: Sendable {
    private let state = Mutex<[CheckResult]>([])
    var checks: [CheckResult] { state.withLock { $0 } }
    func add(_ check: CheckResult) { state.withLock { $0.append(check) } }
}
