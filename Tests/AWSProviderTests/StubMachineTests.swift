import AWSTestSupport
import Foundation
import Testing
import Workbench

/// Other tests rely on the stub machine: it takes the keys of the launch, and runs nothing.
@Suite("The stub machine", .timeLimit(.minutes(2)))
struct StubMachineTests {
    @Test("the stub uses the keys of the launch, answers, fails on demand and ends with its instance")
    func life() async throws {
        try await StubMachine.with(nil) { machine in
            try await withTemporaryDirectory { folder in
                let visitor = try await Visitor(folder, machine)
                #expect(try await visitor.say("true").status == .exited(255))
                try visitor.launch(state: "running")

                #expect(try await visitor.say("true").status == .exited(0))
                let canary = "\(folder)/canary"
                #expect(try await visitor.say("touch \(canary)").status == .exited(0))
                #expect(!fileExists(canary))
                #expect(try await visitor.say("cat /etc/os-release").standardOutput.contains("ID=debian\n"))
                #expect(try await visitor.say("sudo -n sh -s", "dss_password=x").status == .exited(0))
                #expect(machine.commands == ["true", "touch \(canary)", "cat /etc/os-release", "seal"])

                try machine.order(.failure(code: 3, message: "no"), at: "seal")
                #expect(try await visitor.say("sudo -n sh -s", "dss_password=x").status == .exited(3))
                try machine.order(.disconnection, at: "true")
                #expect(try await visitor.say("true").status == .exited(255))
                try machine.withdrawTrouble()
                #expect(try await visitor.say("true").status == .exited(0))
                try visitor.launch(state: "stopped")
                #expect(try await visitor.say("true").status == .exited(255))
            }
        }
    }
}

/// Somebody with the keys of a launch.
private struct Visitor {
    let folder: String
    let machine: StubMachine

    init(_ folder: String, _ machine: StubMachine) async throws {
        self.folder = folder
        self.machine = machine
        for name in ["host", "user"] {
            try await SystemCommandRunner().run(.sshKeygen(path: "\(folder)/\(name)", comment: name))
        }
        let hostKey = try readText("\(folder)/host.pub").split(separator: " ").prefix(2).joined(separator: " ")
        try writeAtomically("machine \(hostKey)\n", to: "\(folder)/known_hosts")
        let config = """
            Host \(StubMachine.address)
              User ubuntu
              IdentityFile \(folder)/user
              UserKnownHostsFile \(folder)/known_hosts
              HostKeyAlias machine
              BatchMode yes
            Include \(machine.sshConfig)

            """
        try writeAtomically(config, to: "\(folder)/config")
    }

    /// As the emulator tells of one.
    func launch(state: String) throws {
        let keys = ["ssh_keys": ["ed25519_private": try readText("\(folder)/host")]]
        let launch = [
            "state": state, "public_key": try readText("\(folder)/user.pub"),
            "user_data": "#cloud-config\n" + String(decoding: try JSONEncoder().encode(keys), as: UTF8.self),
        ]
        let text = String(decoding: try JSONEncoder().encode(launch), as: UTF8.self)
        try writeAtomically(text, to: "\(machine.room)/i-1.json")
    }

    func say(_ command: String, _ input: String? = nil) async throws -> CommandOutput {
        try await SystemCommandRunner().execute(
            Command(
                "ssh", ["-F", "\(folder)/config", StubMachine.address, command], input: input.map { .text($0) } ?? .none
            ))
    }
}
