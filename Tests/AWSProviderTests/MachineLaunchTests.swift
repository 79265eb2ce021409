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
    @Suite("launched and removed", .serialized)
    struct Launch {
        @Test("stack, machine, security group and key pair are as ordered, and all is gone after the undo")
        func life() async throws {
            try await MachineFixture.with(knobs: ["instance_polls": 1, "stack_delete_polls": 1]) { lab in
                let undo = Undo()
                let machine = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                #expect(machine.address == "192.0.2.10" && !machine.isSealed && machine.missing.isEmpty)

                let stack = try #require(try await lab.stacks().first)
                #expect(stack.stackName == "EC2-DATA-SCIENCE-SANDBOX-1-0")
                #expect(stack.enableTerminationProtection != true)
                let expires = try #require(stack.expires)
                #expect(abs(expires.timeIntervalSince(Date()) - 86_400) < 300)
                #expect(stack.tag("exa_dss_id") == "1.0" && stack.tag("created-by") == "dss")
                #expect(stack.parameterValues[MachineStack.Name.userData] == "****")

                let instance = try #require(try await lab.instances().first)
                #expect(instance.instanceId == machine.instanceID && instance.tag("exa_dss_id") == "1.0")
                #expect(instance.tag("expires-at") == stack.tag("expires-at"))
                #expect(instance.imageId == lab.source.id && instance.instanceType == "t3.medium")
                let pair = try #require(try await lab.keyPairs().first)
                let tags = try lab.workspace().passingTags.filter { $0.key != "expires-at" }
                #expect(pair.keyName == stack.stackName && pair.tags.count == tags.count + 1)
                #expect(Set(pair.tags).isSuperset(of: tags))
                try await Self.expectSafety(of: machine, lab)

                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == [])
                #expect(lab.told.events.contains(.activityFinished("removing the stack")))
            }
        }

        private static func expectSafety(of machine: AWSMachine, _ lab: MachineFixture) async throws {
            let described = try await lab.ask("ec2", "describe_instances", ["InstanceIds": [machine.instanceID]])
            let reservations = described["Reservations"] as? [[String: Any]] ?? []
            let instance = try #require((reservations.first?["Instances"] as? [[String: Any]])?.first)
            let metadata = instance["MetadataOptions"] as? [String: Any]
            #expect(metadata?["HttpTokens"] as? String == "required")
            #expect(metadata?["HttpPutResponseHopLimit"] as? Int == 1)
            let behaviour = try await lab.ask(
                "ec2", "describe_instance_attribute",
                ["InstanceId": machine.instanceID, "Attribute": "instanceInitiatedShutdownBehavior"])
            #expect(
                (behaviour["InstanceInitiatedShutdownBehavior"] as? [String: Any])?["Value"] as? String == "terminate")

            let named = (instance["SecurityGroups"] as? [[String: Any]] ?? []).compactMap { $0["GroupId"] as? String }
            let groups = try await lab.ask("ec2", "describe_security_groups", ["GroupIds": named])
            let rules = (groups["SecurityGroups"] as? [[String: Any]])?.first?["IpPermissions"] as? [[String: Any]]
            let rule = try #require(rules?.first)
            #expect(rules?.count == 1 && rule["FromPort"] as? Int == 22 && rule["ToPort"] as? Int == 22)
            let ranges = (rule["IpRanges"] as? [[String: Any]] ?? []).compactMap { $0["CidrIp"] as? String }
            #expect(ranges == ["198.51.100.7/32"])
            #expect((rule["Ipv6Ranges"] as? [Any] ?? []).isEmpty)

            let volumes = try await lab.ask("ec2", "describe_volumes")["Volumes"] as? [[String: Any]] ?? []
            #expect(volumes.first?["Size"] as? Int == 100 && volumes.first?["VolumeType"] as? String == "gp3")
        }

        @Test("networks of both versions replace the caller's own address, which then nobody asks for")
        func networks() async throws {
            try await MachineFixture.with { lab in
                var order = lab.order
                order.sshNetworks = try [IPNetwork("192.0.2.0/24"), IPNetwork("2001:db8::/32")]
                let undo = Undo()
                let machines = Machines(
                    workspace: try lab.workspace(), runner: SystemCommandRunner(), directory: "\(lab.home)/state"
                ) { throw Failure(.bug, "nobody is to be asked") }
                _ = try await machines.launch(order, in: Scope(undo, events: lab.told.sink))
                let groups = try await lab.ask("ec2", "describe_security_groups")["SecurityGroups"] as? [[String: Any]]
                let rules = groups?.first { $0["GroupName"] as? String != "default" }?["IpPermissions"]
                let text = "\(rules ?? "")"
                #expect(text.contains("192.0.2.0/24") && text.contains("2001:db8::/32"), "\(text)")
                #expect(!text.contains(MachineFixture.address))
                #expect(await undo.unwind() == [])
            }
        }

        @Test("the host key is in no command line or event, only in its owner's files")
        func secrecy() async throws {
            try await MachineFixture.with { lab in
                let runner = WatchingRunner()
                let undo = Undo()
                let machines = try lab.machines(runner: runner)
                _ = try await machines.launch(lab.order, in: Scope(undo, events: lab.told.sink))
                let lines = try readText("\(lab.home)/state/host_key").split(separator: "\n").dropFirst().dropLast()
                #expect(lines.count > 2)
                for line in lines {
                    #expect(!runner.commands.contains { "\($0)".contains(line) })
                    #expect(!lab.told.text.contains(line))
                }
                for file in ["key", "host_key", "known_hosts", "ssh_config", "machine.json"] {
                    let mode = try FileManager.default.attributesOfItem(atPath: "\(lab.home)/state/\(file)")
                    #expect(mode[.posixPermissions] as? Int == 0o600, "\(file)")
                }
                let folder = try FileManager.default.attributesOfItem(atPath: "\(lab.home)/state")
                #expect(folder[.posixPermissions] as? Int == 0o700)
                #expect(await undo.unwind() == [])
            }
        }

        @Test("another host key is rejected")
        func pinned() async throws {
            try await MachineFixture.with { lab in
                let undo = Undo()
                let machine = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                let runner = SystemCommandRunner()
                // The shared connection knows the key already.
                _ = try await runner.execute(
                    Command("ssh", ["-F", "none", "-S", "\(lab.home)/state/mux", "-O", "exit", "machine"]))
                try await runner.run(.sshKeygen(path: "\(lab.home)/other", comment: "other"))
                let other = try readText("\(lab.home)/other.pub")
                try writeAtomically("\(try lab.machines().alias) \(other)", to: "\(lab.home)/state/known_hosts")
                let said = try await runner.execute(
                    .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: "true"))
                #expect(said.status == .exited(255))
                #expect(said.standardError.contains("Host key verification failed"), "\(said.standardError)")
                #expect(await undo.unwind() == [])
            }
        }

        @Test("a second run for the same asset id is refused while the first one runs")
        func lock() async throws {
            try await MachineFixture.with { lab in
                let undo = Undo()
                _ = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                let failure = await #expect(throws: Failure.self) {
                    try await lab.machines().launch(lab.order, in: Scope(events: lab.told.sink))
                }
                #expect(failure?.code == .temporary && failure?.message.contains("asset id 1.0 (process") == true)
                #expect(try await lab.stacks().count == 1)
                #expect(await undo.unwind() == [])
            }
        }

        @Test("a captured machine is stopped and removed in the background, even with --keep")
        func capture() async throws {
            try await MachineFixture.with(knobs: ["instance_stop_polls": 2, "stack_delete_polls": 2]) { lab in
                let undo = Undo()
                let machines = try lab.machines()
                let machine = try await machines.launch(lab.order, in: Scope(undo, events: lab.told.sink))
                try await machines.markSealed(machine, missing: [])
                try await machines.stop(machine, events: lab.told.sink)
                #expect(try await lab.instances().map(\.state.name) == ["stopped"])

                await machines.beginRemoval(in: Scope(undo, events: lab.told.sink))
                #expect(try await lab.stacks().map(\.stackStatus) == ["DELETE_IN_PROGRESS"])
                #expect(lab.told.events.contains(.activityStarted("removing the stack")))
                _ = await undo.forgetKept()
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == [])
            }
        }

        @Test("a removal that AWS refuses names what is left and how to remove it")
        func refusedRemoval() async throws {
            try await MachineFixture.with { lab in
                let undo = Undo()
                let machines = try lab.machines()
                _ = try await machines.launch(lab.order, in: Scope(undo, events: lab.told.sink))
                try await lab.emulator.control(["knobs": ["stack_delete_fail": ["SecurityGroup": "it is in use"]]])
                let leftovers = await undo.unwind()
                #expect(leftovers.count == 1 && leftovers[0].contains("it is in use"), "\(leftovers)")
                #expect(leftovers[0].contains("dss delete-aws-assets --region eu-central-1 --asset-id '1.0'"))
            }
        }

        @Test("a kept machine is reported with its address, cost and removal")
        func hints() throws {
            let workspace = AWSWorkspace(
                MachineFixture.nobody, try AssetID("1.0"), names: .init(),
                now: { Date(timeIntervalSince1970: 1_800_000_000) })
            let machines = Machines(workspace: workspace, runner: SystemCommandRunner(), directory: "/none") { "" }
            let endpoint = SSHEndpoint(configFile: "/state/ssh_config", alias: "m")
            let machine = AWSMachine(
                endpoint: endpoint, instanceID: "i-1", address: "192.0.2.10", expires: workspace.expires,
                hourlyCost: 0.0613)
            #expect(
                machines.hints(machine) == [
                    "connect to instance i-1 with: ssh -F '/state/ssh_config' 'm'",
                    "it costs about $0.061 per hour and powers off at 2027-01-16T08:00:00Z",
                    "remove it with: dss delete-aws-assets --region eu-central-1 --asset-id '1.0'",
                ])
        }
    }
}

/// Runs for real and remembers what.
final class WatchingRunner: CommandRunner {
    private let runner = SystemCommandRunner()
    private let seen = Mutex<[Command]>([])

    var commands: [Command] { seen.withLock { $0 } }

    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        seen.withLock { $0.append(command) }
        return try await runner.execute(command, onLine: onLine)
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await runner.start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { try await runner.converse(command, body) }
}
