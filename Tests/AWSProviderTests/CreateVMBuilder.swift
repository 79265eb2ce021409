import AWSCore
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// Somebody who builds on AWS with the real program: an account with a bucket for images, a stub machine behind every
/// instance, and a small sandbox.
struct CreateVMBuilder: Sendable {
    let emulator: AWSEmulator
    let machine: StubMachine
    let sandbox: SandboxFolder
    let home: String

    /// What takes several looks, so that there is something between begin and end; the pauses are short.
    static var knobs: [String: Any] {
        [
            "ami_polls": 1, "export_polls": 1, "instance_polls": 1, "instance_stop_polls": 1, "stack_polls": 1,
            "stack_delete_polls": 1, "export_size": 4096,
        ]
    }

    static func with<Result>(
        formats: String = "[vmdk, vhd]", knobs: [String: Any] = [:], _ body: (CreateVMBuilder) async throws -> Result
    ) async throws -> Result {
        try await AWSEmulator.with(knobs: Self.knobs.merging(knobs) { $1 }) { emulator in
            try await StubMachine.with(emulator) { machine in
                try await withTemporaryDirectory { home in
                    let sandbox = try SandboxFolder(in: "\(home)/sandbox", formats: formats)
                    let builder = CreateVMBuilder(emulator: emulator, machine: machine, sandbox: sandbox, home: home)
                    for command in ["setup-vm-bucket-waf", "setup-vm-bucket"] {
                        let said = try await builder.dss(command, "--yes")
                        try #require(said.status == .exited(0), "\(said.standardError)")
                    }
                    try await emulator.control(["clear": ["calls"]])
                    return try await body(builder)
                }
            }
        }
    }

    func set(_ knobs: [String: Any]) async throws { try await emulator.control(["knobs": knobs]) }

    /// A call of the program, which leaves its process id in `pidFile`.
    func dss(_ arguments: String..., environment: [String: String?] = [:]) async throws -> CommandOutput {
        try await SystemCommandRunner().execute(command(arguments, environment))
    }

    /// `create-vm` for AWS.
    func createVM(
        _ assetID: String, _ arguments: String..., environment: [String: String?] = [:]
    ) async throws -> CommandOutput {
        try await SystemCommandRunner().execute(command(creation(assetID) + arguments, environment))
    }

    func creation(_ assetID: String) -> [String] {
        [
            "create-vm", "--provider", "aws", "--definition", sandbox.definition, "--asset-id", assetID,
            "--ssh-config", machine.sshConfig, "--ssh-cidr", "192.0.2.1/32",
        ]
    }

    func delete(_ assetID: String) async throws -> CommandOutput {
        try await dss(
            "delete-aws-assets", "--asset-id", assetID, "--yes", "--definition", sandbox.definition)
    }

    /// Takes back what was ordered of machine and playbook, and forgets what they were told.
    func calmDown() throws {
        try sandbox.order(nil)
        try machine.withdrawTrouble()
        for log in ["\(sandbox.path)/runs.log", "\(machine.folder)/commands.log"] where fileExists(log) {
            try FileManager.default.removeItem(atPath: log)
        }
    }

    var pidFile: String { "\(home)/pid" }

    /// Where exports by EBS direct work.
    var workDirectory: String { "\(home)/work" }

    func command(_ arguments: [String], _ environment: [String: String?] = [:]) -> Command {
        let more = [
            "LANG": "C.UTF-8", "AWS_POLL_DELAY_SECONDS": "0.05", "DSS_STATE": "\(home)/state",
            "DSS_WORK_DIR": workDirectory, "DSS_DEFAULT_PASSWORD": Self.password,
        ]
        let standard = emulator.environment(home: home).merging(more) { $1 }.mapValues { Optional($0) }
        let variables = standard.merging(environment) { $1 }.compactMap { name, value in
            value.map { "\(name)=\($0)" }
        }.sorted()
        return Command(
            "env", ["-i"] + variables + ["sh", "-c", #"echo $$ > "$0"; exec "$@""#, pidFile, Program.dss] + arguments,
            workingDirectory: sandbox.path)
    }

    static let password = "for the tests only"

    /// Ends the next run of the program by SIGKILL, after so many calls of AWS.
    func orderKill(after calls: Int, hasTakenEffect: Bool) async throws {
        let kind = hasTakenEffect ? "applied-then-kill" : "kill"
        try await emulator.control(["faults": [["kind": kind, "after": calls, "pidfile": pidFile]]])
    }

    // What is there.

    /// Names of all that the account holds, by kind.
    func census() async throws -> [String: [String]] {
        let answer = try await emulator.control([:], .get, query: [.init("census", "")])
        return answer.compactMapValues { $0 as? [String] }.filter { !$0.value.isEmpty }
    }

    /// The names of all calls since the record was cleared, in the order in which they came.
    func calls() async throws -> [String] {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.map { "\($0["service"] as? String ?? ""):\($0["action"] as? String ?? "")" }
    }
}
