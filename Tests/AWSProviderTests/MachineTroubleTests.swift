import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import AWSProvider

extension MachineTests {
    /// What goes wrong says why, and leaves nothing after the undo.
    @Suite("failures", .serialized)
    struct Trouble {
        private func failure(
            _ lab: MachineFixture, _ order: MachineOrder? = nil, _ machines: Machines? = nil
        ) async throws -> Failure {
            let undo = Undo()
            let machines = try machines ?? lab.machines()
            let failure = await #expect(throws: Failure.self) {
                try await machines.launch(order ?? lab.order, in: Scope(undo, events: lab.told.sink))
            }
            #expect(await undo.unwind() == [])
            #expect(try await lab.left() == [])
            return try #require(failure)
        }

        @Test("a stack that is rolled back names the resource and AWS's reason")
        func rollback() async throws {
            let reason = "We currently do not have sufficient t3.medium capacity"
            try await MachineFixture.with(knobs: ["stack_fail": ["Machine": reason]]) { lab in
                let failure = try await failure(lab)
                #expect(failure.message.contains("could not be created: ROLLBACK_COMPLETE"), "\(failure)")
                #expect(failure.details.first == "Machine (AWS::EC2::Instance) CREATE_FAILED: \(reason)")
            }
        }

        @Test("an account without a default VPC gets the command that creates one")
        func defaultVPC() async throws {
            let reason = "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC"
            try await MachineFixture.with(knobs: ["stack_fail": ["SecurityGroup": reason]]) { lab in
                let failure = try await failure(lab)
                #expect(failure.advice == "aws ec2 create-default-vpc --region eu-central-1")
            }
        }

        @Test("a machine that never answers: ssh's error, allowed networks, end of the console")
        func silence() async throws {
            let console = (1...30).map { "line \($0)\u{1b}[0m" }.joined(separator: "\r\n")
            try await MachineFixture.with(knobs: ["console_output": console]) { lab in
                try writeAtomically("Host *\n  HostName 127.0.0.1\n  Port 1\n", to: "\(lab.stub.folder)/closed")
                var order = lab.order
                order.sshConfig = "\(lab.stub.folder)/closed"
                let brief = PollingPolicy(
                    first: .milliseconds(5), longest: .milliseconds(50), limit: .milliseconds(400))
                let machines = try lab.machines(try lab.workspace(polling: brief))
                let failure = try await failure(lab, order, machines)
                #expect(
                    failure.code == .unavailable && failure.message.contains("waiting for SSH on instance i-"),
                    "\(failure)")
                #expect(failure.details[0].contains("Connection refused"), "\(failure.details)")
                #expect(failure.details[1] == "its security group allows SSH from 198.51.100.7/32")
                #expect(failure.details[2] == "last lines of its console output:" && failure.details[3] == "line 16[0m")
                #expect(failure.advice?.contains("--ssh-cidr") == true)
            }
        }

        @Test(
            "a copy to be checked that AWS does not show is told apart from one that is broken",
            arguments: [
                ("503", AWSError.Kind.temporary), ("throttle", .temporary), ("reset", .unreachable),
                ("denied", .denied),
            ])
        func unseenCopy(fault: String, kind: AWSError.Kind) async throws {
            try await MachineFixture.with { lab in
                var polling = MachineFixture.polling
                polling.patience = .zero
                let undo = Undo()
                let copies = ["first": try lab.machines(try lab.workspace(polling: polling))]
                let guests = try await AMIGuests.start(lab.order, copies: copies, jupyterPort: 1, in: Scope(undo))
                try await lab.emulator.control([
                    "faults": [["kind": fault, "action": "GetConsoleOutput", "times": NSNull()]]
                ])
                let failed = await #expect(throws: GuestHostFailed.self) {
                    try await guests.withGuest("first") { _ in }
                }
                #expect((failed?.cause as? AWSError)?.kind == kind)
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == [])
            }
        }

        @Test("a machine that terminates while the build waits for it", arguments: ["terminated", "stopped"])
        func ended(_ state: String) async throws {
            try await MachineFixture.with { lab in
                try lab.stub.order(.failure(code: 1, message: "not yet"), at: "true")
                let machines = try lab.machines(runner: EndingRunner(lab: lab, state: state))
                let failure = try await failure(lab, nil, machines)
                #expect(failure.message.contains("in eu-central-1 is \(state): "), "\(failure)")
                #expect(failure.message.contains("User initiated"), "\(failure)")
            }
        }

        @Test("a failure of cloud-init is reported; its warnings are no failure", arguments: [(1, true), (2, false)])
        func cloudInit(_ code: Int, _ isFailure: Bool) async throws {
            try await MachineFixture.with { lab in
                try lab.stub.order(.failure(code: code, message: "x"), at: "cloud-init status")
                if isFailure {
                    let failure = try await failure(lab)
                    #expect(failure.message.hasPrefix("cloud-init failed on instance i-"), "\(failure)")
                } else {
                    let undo = Undo()
                    _ = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                    #expect(await undo.unwind() == [])
                }
            }
        }

        @Test("another system than the pinned versions are for")
        func system() async throws {
            try await MachineFixture.with(system: ("ubuntu", "noble")) { lab in
                let failure = try await failure(lab)
                #expect(failure.code == .badData)
                #expect(failure.message.hasPrefix("the pinned versions are for debian bookworm, but ami-"))
                #expect(failure.message.hasSuffix("is ubuntu noble"), "\(failure.message)")
                #expect(failure.advice?.contains("--ec2-source-ami") == true)
            }
        }

        @Test("invalid addresses")
        func ownAddress() async throws {
            try await MachineFixture.with { lab in
                let failure = try await failure(lab, nil, lab.machines(address: "<html>"))
                #expect(failure.message.contains("'<html>' is not an IP address"), "\(failure)")
                #expect(failure.advice?.contains("--ssh-cidr") == true)
                #expect(try await lab.count("CreateChangeSet") == 0)
            }
        }

        @Test(
            "a denied operation leaves nothing behind",
            arguments: ["ImportKeyPair", "CreateChangeSet", "ExecuteChangeSet", "DescribeInstances"])
        func denied(_ action: String) async throws {
            try await MachineFixture.with { lab in
                try await lab.emulator.control(["faults": [["kind": "denied", "action": action]]])
                let undo = Undo()
                let error = await #expect(throws: AWSError.self) {
                    try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                }
                #expect(error?.kind == .denied)
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == [])
            }
        }

        @Test(
            "a lost response or a failure of AWS is overcome",
            arguments: ["ImportKeyPair", "CreateChangeSet", "ExecuteChangeSet", "DeleteStack", "DeleteKeyPair"],
            ["applied-then-reset", "503"])
        func fault(_ action: String, _ kind: String) async throws {
            try await MachineFixture.with { lab in
                try await lab.emulator.control(["faults": [["kind": kind, "action": action]]])
                let undo = Undo()
                _ = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                #expect(try await lab.instances().count == 1)
                #expect(try await lab.keyPairs().count == 1)
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == [])
            }
        }

        @Test(
            "cancelled anywhere, nothing is left behind",
            arguments: [
                "computing the changes", "creating stack", "SecurityGroup CREATE_COMPLETE", "waiting for SSH",
                "waiting for cloud-init",
            ])
        func cancelled(_ moment: String) async throws {
            try await MachineFixture.with(knobs: ["stack_polls": 2, "instance_polls": 2]) { lab in
                let undo = Undo()
                let run = Interruptible(at: moment)
                let (machines, order) = (try lab.machines(), lab.order)
                let task = Task { try await machines.launch(order, in: Scope(undo, events: run.sink)) }
                run.begin(task)
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(await undo.unwind() == [])
                let left = try await lab.left()
                #expect(left == [])
            }
        }
    }
}

/// Cancels a launch when it says something.
private final class Interruptible: Sendable {
    private let moment: String
    /// The launch may say it before the test has the task in hand.
    private let state = Mutex<(task: Task<AWSMachine, any Error>?, isReached: Bool)>((nil, false))

    init(at moment: String) { self.moment = moment }

    func begin(_ task: Task<AWSMachine, any Error>) {
        state.withLock { state in
            state.task = task
            if state.isReached { task.cancel() }
        }
    }

    var sink: EventSink {
        { [self] event in
            guard case .progress(_, let progress) = event, progress.activity.contains(moment) else { return }
            state.withLock { state in
                state.isReached = true
                state.task?.cancel()
            }
        }
    }
}

/// Ends the machine at the first look for SSH.
private struct EndingRunner: CommandRunner {
    let lab: MachineFixture
    let state: String
    private let runner = SystemCommandRunner()

    init(lab: MachineFixture, state: String) {
        self.lab = lab
        self.state = state
    }

    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        if command.executable == "ssh", let id = try await lab.instances().first?.instanceId {
            if state == "stopped" {
                _ = try await lab.client.call(EC2.StopInstances(instanceIds: [id]))
            } else {
                _ = try await lab.client.call(EC2.TerminateInstances(instanceIds: [id]))
            }
        }
        return try await runner.execute(command, onLine: onLine)
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await runner.start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { try await runner.converse(command, body) }
}
