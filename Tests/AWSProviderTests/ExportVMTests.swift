import AWSTestSupport
import Foundation
import Testing
import Workbench

/// The machine of one command is what another seals and exports.
@Suite("dss export-vm", .serialized, .timeLimit(.minutes(5)))
struct ExportVMTests {
    @Test("exports the machine that is there, however it is reached", arguments: [true, false])
    func machineOfAnotherCommand(hasSSHConfig: Bool) async throws {
        try await CreateVMBuilder.with { builder in
            let definition = ["--definition", builder.sandbox.definition, "--asset-id", "trial"]
            let setUp = ["setup-ec2-and-install-dependencies", "--keep", "--ssh-cidr", "192.0.2.1/32"] + definition
            // Without a configuration of the user's, port 22 of the machine's address is what is dialled.
            let path = try hasSSHConfig ? Self.path : Self.path(leadingTo: builder.machine, in: builder.home)
            let started = try await builder.run(
                setUp + (hasSSHConfig ? ["--ssh-config", builder.machine.sshConfig] : []), path)
            try #require(started.status == .exited(0), "\(started.standardError)")
            #expect(builder.sandbox.runs.count == 1)

            let said = try await builder.run(["export-vm", "--export-method", "vm-export"] + definition, path)
            #expect(said.status == .exited(0), "\(said.standardError)")
            #expect(builder.machine.commands.filter { $0 == "seal" }.count == 1)
            #expect(builder.sandbox.runs.count == 1)
            let left = try await builder.census()
            #expect(left["images"]?.count == 1 && left["instances"] == nil && left["key pairs"] == nil, "\(left)")
        }
    }

    private static let path = "/usr/local/bin:/usr/bin:/bin"

    /// Programs among which is an `ssh` for which the address leads to the machine's port.
    private static func path(leadingTo machine: StubMachine, in home: String) throws -> String {
        let port = try readText(machine.sshConfig).firstMatch(of: /Port (\d+)/)?.1 ?? ""
        let wrapper = "#!/bin/sh\nexec /usr/bin/ssh -o HostName=127.0.0.1 -o Port=\(port) \"$@\"\n"
        try makeDirectory("\(home)/bin")
        try writeAtomically(wrapper, to: "\(home)/bin/ssh", mode: 0o755)
        return "\(home)/bin:\(path)"
    }
}

extension CreateVMBuilder {
    fileprivate func run(_ arguments: [String], _ path: String) async throws -> CommandOutput {
        try await SystemCommandRunner().execute(command(arguments, ["PATH": path]))
    }
}
