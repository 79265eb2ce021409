import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import AWSProvider

/// Tests of the build machine, one after the other, in an account of their own with a stub machine behind each instance.
@Suite("The build machine on AWS", .serialized, .timeLimit(.minutes(5)))
struct MachineTests {}

struct MachineFixture: Sendable {
    let emulator: AWSEmulator
    let client: AWSClient
    let stub: StubMachine
    let home: String
    let source: SourceImage
    let told = EventLog()

    static let address = "198.51.100.7"

    static func with(
        knobs: [String: Any] = [:], system: (id: String, codename: String) = ("debian", "bookworm"),
        _ body: (MachineFixture) async throws -> Void
    ) async throws {
        try await AWSEmulator.with { emulator in
            try await StubMachine.with(emulator, system: system) { stub in
                try await emulator.control(["knobs": knobs])
                try await withHTTPTransport { transport in
                    try await withTemporaryDirectory { home in
                        let client = emulator.client(transport, backoff: .quick)
                        let source = try await AWSWorkspace(client, AssetID("any"), names: .init())
                            .sourceImage(SandboxDefinition(name: "n", version: "1", playbook: .none), ami: nil)
                        try await emulator.control(["clear": ["calls"]])
                        try await body(
                            MachineFixture(emulator: emulator, client: client, stub: stub, home: home, source: source))
                    }
                }
            }
        }
    }

    /// For values that call nobody.
    static let nobody = AWSClient(
        region: "eu-central-1", world: ClientWorld(transport: Nobody(), credentials: EmulatorCredentials()))

    /// Looks often, and gives up soon.
    static let polling = PollingPolicy(first: .milliseconds(5), longest: .milliseconds(50), limit: .seconds(20))

    func workspace(
        _ assetID: String = "1.0", polling: PollingPolicy = MachineFixture.polling,
        lifetime: Duration = .seconds(86_400)
    ) throws
        -> AWSWorkspace
    {
        AWSWorkspace(client, try AssetID(assetID), names: .init(), polling: polling, lifetime: lifetime)
    }

    func machines(
        _ workspace: AWSWorkspace? = nil, directory: String = "state", address: String = MachineFixture.address,
        runner: any CommandRunner = SystemCommandRunner()
    ) throws -> Machines {
        Machines(workspace: try workspace ?? self.workspace(), runner: runner, directory: "\(home)/\(directory)") {
            address
        }
    }

    var order: MachineOrder {
        MachineOrder(
            source: source, instanceType: "t3.medium", volumeGiB: 100, user: "ubuntu", sshConfig: stub.sshConfig,
            base: .init())
    }

    // What is there

    /// What botocore says of what an operation gives.
    func ask(_ service: String, _ operation: String, _ arguments: [String: Any] = [:]) async throws -> [String: Any] {
        let script = """
            import boto3, json, sys
            client = boto3.client(sys.argv[1], endpoint_url=sys.argv[4])
            answer = getattr(client, sys.argv[2])(**json.loads(sys.argv[3]))
            print(json.dumps(answer, default=str))
            """
        let json = String(decoding: try JSONSerialization.data(withJSONObject: arguments), as: UTF8.self)
        let output = try await SystemCommandRunner().run(
            Command(
                PythonProcess.root.path() + ".venv-aws/bin/python",
                ["-c", script, service, operation, json, emulator.url],
                environment: [
                    "AWS_ACCESS_KEY_ID": EmulatorCredentials.id, "AWS_SECRET_ACCESS_KEY": EmulatorCredentials.secret,
                    "AWS_DEFAULT_REGION": "eu-central-1",
                ]))
        return try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }

    func stacks() async throws -> [CloudFormation.Stack] {
        try await client.call(CloudFormation.DescribeStacks()).stacks
    }

    func instances() async throws -> [EC2.Instance] {
        try await client.call(EC2.DescribeInstances()).reservations.flatMap(\.instances)
            .filter { $0.state.name != "terminated" }
    }

    func keyPairs() async throws -> [EC2.KeyPair] { try await client.call(EC2.DescribeKeyPairs()).keyPairs }

    /// Names of all that costs money or stands in the way.
    func left() async throws -> [String] {
        let groups = try await ask("ec2", "describe_security_groups")["SecurityGroups"] as? [[String: Any]] ?? []
        return try await stacks().map { "\($0.stackName) \($0.stackStatus)" } + instances().map(\.instanceId)
            + keyPairs().map(\.keyName)
            + groups.compactMap { $0["GroupName"] as? String }.filter { $0 != "default" }
            + (FileManager.default.contentsOfDirectory(atPath: home)).filter { !$0.hasSuffix(".lock") }
    }

    func count(_ action: String) async throws -> Int { try await emulator.count(action) }
}

private struct Nobody: Transport {
    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        throw TransportError(.notConnected, "nobody is to be called")
    }
}

extension SandboxDefinition.Playbook {
    static let none = Self(file: "/none", pins: "/none", roles: [])
}
