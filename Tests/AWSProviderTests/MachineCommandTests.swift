import AWSTestSupport
import Foundation
import Testing
import Workbench

extension SetupTests {
    /// The real program, as somebody uses it who wants a machine.
    @Suite("dss setup-ec2 and setup-ec2-and-install-dependencies", .serialized)
    struct MachineCommands {
        private func withPerson(_ body: (Administrator, StubMachine, SandboxFolder, [String]) async throws -> Void)
            async throws
        {
            try await Administrator.with(knobs: ["stack_polls": 0]) { admin in
                try await StubMachine.with(admin.emulator) { stub in
                    let sandbox = try SandboxFolder(in: "\(admin.home)/sandbox")
                    let options = [
                        "--definition", sandbox.definition, "--asset-id", "trial", "--ssh-config", stub.sshConfig,
                    ]
                    try await body(admin, stub, sandbox, options)
                }
            }
        }

        @Test("keeps the machine until Ctrl-C, then removes it")
        func untilInterrupted() async throws {
            try await withPerson { admin, _, _, options in
                let seen = try await admin.terminal(["setup-ec2"] + options) { program in
                    _ = try await program.expect("press Ctrl-C to remove the instance")
                    #expect(try await admin.count("DeleteStack") == 0)
                    try await program.send("\u{3}")
                }
                #expect(seen.contains("rc=0"), "\(seen)")
                #expect(seen.contains("192.0.2.10"))
                #expect(seen.contains("ssh -F '\(admin.home)/.local/state/dss/aws/eu-central-1-"))
                #expect(try await admin.count("DeleteStack") == 1)
                #expect(try await admin.count("DeleteKeyPair") == 1)
                #expect(!fileExists("\(admin.home)/.local/state/dss/aws/eu-central-1-EC2-DATA-SCIENCE-SANDBOX-trial"))
            }
        }

        @Test("--keep leaves the machine, prints how to reach and remove it, and prints no secret")
        func keep() async throws {
            try await withPerson { admin, _, _, options in
                let trace = "\(admin.home)/trace"
                let words = ["setup-ec2"] + options
                let said = try await admin.run(
                    words + ["--keep", "--json", "--verbose", "--trace-aws", trace, "--lifetime", "4"])
                #expect(said.status == .exited(0), "\(said.errors)\(said.output)")
                let lines = said.output.split(separator: "\n")
                let machine = try #require(
                    lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
                        .first { $0["event"] as? String == "machine" })
                #expect(machine["address"] as? String == "192.0.2.10")
                #expect((machine["dollars_per_hour"] as? Double ?? 0) > 0.01)
                #expect(said.output.contains("dss delete-aws-assets --definition "))
                #expect(said.output.contains(" --region eu-central-1 --asset-id 'trial'"))

                let folder = "\(admin.home)/.local/state/dss/aws/eu-central-1-EC2-DATA-SCIENCE-SANDBOX-trial"
                let secrets = try ["host_key", "key"].flatMap { name in
                    try readText("\(folder)/\(name)").split(separator: "\n").dropFirst().dropLast()
                }
                let log = try readText(trace)
                for secret in secrets {
                    let isTold = (said.output + said.errors + log).contains(secret)
                    #expect(!isTold)
                }
                #expect(try await admin.count("DeleteStack") == 0)

                let again = try await admin.run(words + ["--keep"])
                #expect(again.errors.contains("from an earlier run"), "\(again.errors)")
                let removed = try await admin.dss("delete-aws-assets", "--asset-id", "trial", "--yes")
                #expect(removed.status == .exited(0), "\(removed.errors)")
            }
        }

        @Test("runs the playbook and says when and where JupyterLab answers")
        func install() async throws {
            try await withPerson { admin, _, sandbox, options in
                let said = try await admin.run(["setup-ec2-and-install-dependencies"] + options + ["--keep"])
                #expect(said.status == .exited(0), "\(said.errors)")
                #expect(sandbox.runs.count == 1 && sandbox.runs[0].hasPrefix("roles=only "))
                #expect(said.output.contains("starts at the next boot: sudo reboot"), "\(said.output)")
                #expect(said.output.contains("http://localhost:49494/lab, after the boot"), "\(said.output)")
                #expect(said.output.contains("-N -L 49494:localhost:49494 '192.0.2.10'"))
            }
        }

        @Test("a failed playbook removes the machine unless it is kept", arguments: [true, false])
        func failure(isKept: Bool) async throws {
            try await withPerson { admin, _, sandbox, options in
                try sandbox.order(.failure)
                let said = try await admin.run(
                    ["setup-ec2-and-install-dependencies"] + options + (isKept ? ["--keep"] : []))
                #expect(said.status == .exited(1), "\(said.errors)")
                #expect(said.errors.contains("the package is not there"))
                #expect(said.errors.contains("connect to instance i-") == isKept, "\(said.errors)")
                #expect(try await admin.count("DeleteStack") == (isKept ? 0 : 1))
            }
        }

        @Test("wrong options are reported before any call")
        func wrong() async throws {
            try await withPerson { admin, _, _, options in
                let networks = try await admin.run(
                    ["setup-ec2"] + options + ["--ssh-cidr", "10.0.0.1/8", "--ssh-cidr", "home"])
                #expect(networks.status == .exited(64), "\(networks.errors)")
                #expect(networks.errors.contains("the network is 10.0.0.0/8") && networks.errors.contains("'home'"))
                for words in [["--ec2-key-name", "k"], ["--lifetime", "0"]] {
                    #expect(try await admin.run(["setup-ec2"] + options + words).status == .exited(64))
                }
                let file = try await admin.run(
                    ["setup-ec2", "--definition", "\(admin.home)/sandbox/sandbox.yaml", "--ssh-config", "/none"])
                #expect(file.status == .exited(65) && file.errors.contains("file /none does not exist"))
                #expect(try await admin.count("CreateChangeSet") == 0)
            }
        }
    }
}
