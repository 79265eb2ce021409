import AWSTestSupport
import DiskImages
import Foundation
import LocalProvider
import Sandbox
import Testing
import Workbench

/// A real machine behind the emulator's instances: a container with a system of its own, reached through its own
/// network namespace, that takes the keys of the launch, and whose disk is the image's when it is captured.
struct AWSMachineRoom: Sendable {
    static let address = "192.0.2.20"

    let emulator: AWSEmulator
    /// Where the emulator tells of launches and takes disks.
    let folder: String
    private let factory: LocalMachineFactory
    private let machine: LocalMachine

    /// For `--ssh-config`.
    var sshConfig: String { "\(folder)/ssh_config" }

    /// Gives `body` the room, with the machine booted and nobody's yet.
    /// - Parameter reachesHost: the machine may reach servers on this machine's loopback.
    static func with<Result>(
        _ emulator: AWSEmulator, cache: String, folder: String, reachesHost: Bool = false,
        _ body: (AWSMachineRoom) async throws -> Result
    ) async throws -> Result {
        let runner = SystemCommandRunner()
        let factory = LocalMachineFactory(
            runner: runner, cacheDirectory: cache, stateDirectory: "\(folder)/state",
            host: await .read(environment: ProcessInfo.processInfo.environment, runner: runner))
        let undo = Undo()
        return try await finally {
            let plan = MachinePlan(assetID: try AssetID("ec2-e2e"), base: .init(), reachesHost: reachesHost)
            let machine = try await factory.start(plan, in: Scope(undo))
            let room = AWSMachineRoom(emulator: emulator, folder: folder, factory: factory, machine: machine)
            try room.writeSSHConfig()
            try await emulator.control([
                "knobs": ["machine_room": folder, "real_disks": true, "instance_host": address]
            ])
            return try await body(room)
        } cleanup: {
            let left = await undo.unwind()
            if !left.isEmpty { print(left.joined(separator: "\n")) }
        }
    }

    /// Lives the life of one instance: takes the keys of its launch, waits until an image is made of it, and writes
    /// its disk.
    /// - Parameter sizeMiB: of the disk.
    func live(sizeMiB: Int) async throws {
        try await becomeInstance(try await file("i-", \.isRunning))
        let image = try await file("ami-") { _ in true }
        let root = try await factory.halt(machine) { _ in }
        let journals = try FileManager.default.contentsOfDirectory(atPath: "\(root)/var/log/journal")
        #expect(journals.isEmpty, "the machine wrote down its end after the seal")
        let disk = try await DiskWriter(runner: SystemCommandRunner()).write(
            root, to: "\(folder)/disk.raw", sizeMiB: sizeMiB)
        guard rename(disk.path, "\(folder)/\(image.id).raw") == 0 else { throw FileError("rename", disk.path) }
    }

    /// What the emulator writes of an instance or an image.
    private struct Note: Decodable {
        var id: String
        var state: String?
        var publicKey: String?
        var userData: String?

        enum CodingKeys: String, CodingKey {
            case id, state
            case publicKey = "public_key"
            case userData = "user_data"
        }

        var isRunning: Bool { state == "running" }
    }

    private func file(_ prefix: String, _ fits: (Note) -> Bool) async throws -> Note {
        while true {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder)
            where name.hasPrefix(prefix) && name.hasSuffix(".json") {
                let note = try JSONDecoder().decode(Note.self, from: Data(try readText("\(folder)/\(name)").utf8))
                if fits(note) { return note }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Does what cloud-init does with the user data; cloud-init itself does not run in a machine that is to become an
    /// image. Logins find the package index and certificates of this machine, as they would find the world's on EC2.
    private func becomeInstance(_ launch: Note) async throws {
        let files = machine.build.path("machine")
        let authorized = try readText("\(files)/authorized_keys") + (launch.publicKey ?? "") + "\n"
        // sshd reads it as whoever logs in.
        try writeAtomically(authorized, to: "\(files)/authorized_keys")
        // Under another name, because a server that was started before reads its key again for every connection, but not
        // its configuration: until the restart, whoever trusts the instance's key alone is not let in without the
        // variables below.
        try writeAtomically(hostKey(in: launch.userData ?? ""), to: "\(files)/instance_host_key", mode: 0o600)
        let variables = machine.buildEnvironment.sorted { $0.key < $1.key }
        try writeAtomically(
            try readText("\(files)/sshd_config").replacing("/host_key", with: "/instance_host_key")
                + "SetEnv \(variables.map { "\"\($0.key)=\($0.value)\"" }.joined(separator: " "))\n",
            to: "\(files)/sshd_config")
        let script = """
            set -e
            useradd --create-home --shell /bin/bash ubuntu
            echo 'ubuntu ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/90-cloud-init-users
            echo 'Defaults env_keep += "\(variables.map(\.key).joined(separator: " "))"' >> /etc/sudoers.d/90-cloud-init-users
            mkdir -p /run/cloud-init
            touch /run/cloud-init/disabled
            systemctl --no-block restart dss-sshd
            """
        let endpoint = machine.endpoint
        try await SystemCommandRunner().run(
            .ssh(config: endpoint.configFile, alias: endpoint.alias, script: script))
    }

    /// The private key under `ed25519_private`, a block of indented lines.
    private func hostKey(in userData: String) -> String {
        let lines = userData.split(separator: "\n").map { $0.drop { $0 == " " } }
        let key = lines.drop { !$0.hasPrefix("-----BEGIN") }.prefix { !$0.hasPrefix("-----END") }
        return (key + ["-----END OPENSSH PRIVATE KEY-----"]).joined(separator: "\n") + "\n"
    }

    /// As a user has one for a jump host: the address leads into the machine's namespace.
    private func writeSSHConfig() throws {
        let own = try readText(machine.endpoint.configFile)
        let proxy = own.split(separator: "\n").filter { $0.contains("ProxyCommand") }.joined()
        try writeAtomically("Host \(Self.address)\n\(proxy)\n", to: sshConfig)
    }
}
