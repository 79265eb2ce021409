import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Reporting
import Sandbox
import Testing
import Workbench

/// How long a build takes that is as long as a real one, in time that jumps.
@Suite("create-vm on AWS, in virtual time", .timeLimit(.minutes(5)))
struct CreateVMTimeTests {
    /// Seconds; AWS's part of it.
    static let seconds = ["stack": 180, "stack_delete": 240, "instance_stop": 40, "ami": 600, "export": 2400]

    @Test("the critical path is AWS's own work; everything else runs beside it")
    func criticalPath() async throws {
        try await CreateVMBuilder.with { builder in
            try await builder.set(["seconds": Self.seconds])
            let report = try await VirtualTime.with(builder.emulator) { time in
                try await build(builder, time)
            }
            print(report.text(.piped))
            let path = report.activities.criticalPath.map(\.name)
            #expect(
                path.filter { !["preflight", "SSH", "cloud-init", "clean up"].contains($0) } == [
                    "stack", "install", "seal", "stopping the machine", "AMI", "export vmdk", "export vhd",
                    "rename vhd",
                ])
            let beside = report.activities.besideCriticalPath.map(\.name)
            #expect(Set(beside).isSuperset(of: ["removing the stack", "rename vmdk"]), "\(beside)")
            try expect("removing the stack", within: "export vmdk", report)
            try expect("rename vmdk", within: "export vhd", report)

            // The emulator's own work passes in real time, which is not much beside these hours.
            let total = try #require(report.activities.map(\.ended).max())
            #expect(total > 5400, "\(total) s")
        }
    }

    @Test("a machine that never answers on SSH is removed, with possible causes")
    func unreachable() async throws {
        try await CreateVMBuilder.with { builder in
            try await builder.set(["seconds": Self.seconds, "console_output": "Kernel panic - not syncing"])
            let before = try await builder.census()
            let (failure, elapsed) = try await VirtualTime.with(builder.emulator) { time in
                let failure = await #expect(throws: Failure.self) { try await build(builder, time, reaches: false) }
                return (try #require(failure), time.elapsed)
            }
            #expect(failure.code == .unavailable)
            #expect(failure.message.contains("waiting for SSH on instance i-"), "\(failure)")
            #expect(failure.details.contains("ssh says: ssh: connect: Connection timed out"), "\(failure)")
            #expect(failure.details.contains("Kernel panic - not syncing"), "\(failure)")
            #expect(failure.advice?.contains("--ssh-cidr") == true)
            #expect(elapsed > .seconds(600), "ten minutes of trying")
            #expect(try await builder.census() == before)
        }
    }

    private func expect(_ short: String, within long: String, _ report: BuildReport) throws {
        let inner = try #require(report.activities.first { $0.name == short })
        let outer = try #require(report.activities.first { $0.name == long })
        #expect(outer.began <= inner.began && inner.ended <= outer.ended, "\(inner) \(outer)")
    }

    private func build(
        _ builder: CreateVMBuilder, _ time: VirtualTime, reaches: Bool = true
    ) async throws -> BuildReport {
        try await withHTTPTransport { real in
            let client = builder.emulator.client(
                VirtualTransport(time: time, real: real), time: time.callTime)
            let definition = SandboxDefinition(
                name: "small", version: "1.0.0",
                playbook: .init(file: "site.yml", pins: "pins.yaml", roles: ["only"]), formats: [.vmdk, .vhd])
            let workspace = AWSWorkspace(
                client, try AssetID("time"), names: definition.names, now: time.callTime.now)
            let runner = VirtualRunner(time: time, reaches: reaches)
            let source = try await workspace.sourceImage(definition, ami: nil)
            let settings = AWSBuildSettings(
                machine: { definition in
                    MachineOrder(
                        source: source, instanceType: definition.aws.instanceType,
                        volumeGiB: definition.aws.volumeSizeGiB, user: "ubuntu",
                        sshNetworks: [try IPNetwork("192.0.2.1/32")])
                }, method: .vmExport, place: .elsewhere, credentials: .init(), inputs: "inputs")
            let machines = Machines(
                workspace: workspace, runner: runner, directory: "\(builder.home)/machine", ownAddress: { "192.0.2.1" })
            let export = AWSExport(
                workspace,
                S3ArtifactStore(workspace.client, try await ImageBucket.find(in: workspace.client, for: .export)),
                place: .elsewhere, workDirectory: builder.home, runner: runner)
            return try await createVM(
                BuildOrder(assetID: workspace.assetID, definition: definition, password: .given(Secret("secret"))),
                on: AWSVMProvider(workspace, machines: machines, export: export, settings: settings),
                with: PatientProvisioner(time: time), events: { _ in }, clock: VirtualClock(time: time))
        }
    }
}

/// Installs nothing, and takes as long as the real one.
private struct PatientProvisioner: Provisioner {
    let time: VirtualTime

    func install(
        _ step: PlaybookStep, on machine: some BuildMachine, in build: BuildContext
    ) async throws -> InstalledStep {
        try await time.sleep(.seconds(900))
        return InstalledStep()
    }

    func seal(_ machine: some BuildMachine, in build: BuildContext) async throws {
        try await time.sleep(.seconds(20))
    }
}
