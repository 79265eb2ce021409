import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// The key pair for the login, and the host key of the instance.
extension Machines {
    func keyName(_ key: MachineOrder.Key) -> String {
        switch key {
        case .new: workspace.stackName
        case .existing(let name, _): name
        }
    }

    func keyFile(_ key: MachineOrder.Key) -> String {
        switch key {
        case .new: directory.key
        case .existing(_, let file): file
        }
    }

    /// Checks the user's own key pair and private key before anything is created.
    func checkKey(_ key: MachineOrder.Key) async throws {
        guard case .existing(let name, let file) = key else { return }
        try checkFile(file)
        guard let pair = try await keyPair(name) else {
            throw Failure(
                .badData, "key pair '\(name)' does not exist in \(workspace.region)",
                advice: "aws ec2 describe-key-pairs --region \(workspace.region)")
        }
        let output = try await runner.execute(Command("ssh-keygen", ["-y", "-P", "", "-f", file]))
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw Failure(
                .badData,
                "cannot use \(file) as a private key without a passphrase: \(output.standardError.trimmedLine)",
                advice: "omit --ec2-key-name and --ec2-key-file to create a key pair for the build")
        }
        let key = { (line: String) in line.split(whereSeparator: \.isWhitespace).prefix(2) }
        guard let known = pair.publicKey, key(known) != key(output.standardOutput) else { return }
        throw Failure(.badData, "\(file) is not the private key of key pair '\(name)' in \(workspace.region)")
    }

    /// ssh refuses a private key that belongs to the caller and that others can read.
    private func checkFile(_ file: String) throws {
        var status = stat()
        guard stat(file, &status) == 0, access(file, R_OK) == 0 else { throw FileError("read", file) }
        guard status.st_uid != getuid() || status.st_mode & 0o077 == 0 else {
            throw Failure(
                .noPermission, "private key \(file) is readable by other users; ssh refuses it",
                advice: "chmod 600 \(shellQuoted(file))")
        }
    }

    /// Creates a key pair for this build if none was given. A leftover of that name from an earlier run is deleted
    /// first.
    func makeKey(_ key: MachineOrder.Key) async throws {
        guard case .new = key else { return }
        try await runner.run(.sshKeygen(path: directory.key, comment: workspace.stackName))
        try await removeKeyPair()
        if try await keyPair(workspace.stackName) != nil {
            throw Failure(
                .failed,
                "key pair \(workspace.stackName) already exists in \(workspace.region) and does not belong to asset id "
                    + "\(workspace.assetID)", advice: "use another --asset-id, or --ec2-key-name and --ec2-key-file")
        }
        _ = try await workspace.client.call(
            EC2.ImportKeyPair(
                keyName: workspace.stackName, publicKeyMaterial: Data(try readText("\(directory.key).pub").utf8),
                tagSpecifications: workspace.specifications("key-pair", tags: workspace.passingTags)))
    }

    /// Deletes the key pair of this build if it exists.
    func removeKeyPair() async throws {
        guard let pair = try await keyPair(workspace.stackName), workspace.owns(pair.tags) else { return }
        _ = try await workspace.client.call(EC2.DeleteKeyPair(keyPairId: pair.keyPairId))
    }

    func keyPair(_ name: String) async throws -> EC2.KeyPair? {
        var search = EC2.DescribeKeyPairs(filters: [.init(name: "key-name", values: [name])])
        search.includePublicKey = true
        return try await workspace.client.call(search).keyPairs.first { $0.keyName == name }
    }

    /// Generates the host key and adds it to the known hosts.
    func makeHostKey() async throws -> HostKey {
        try await runner.run(.sshKeygen(path: directory.hostKey, comment: alias))
        let key = HostKey(
            secret: try readText(directory.hostKey), publicLine: try readText("\(directory.hostKey).pub"))
        try writeAtomically("\(alias) \(key.publicKey)\n", to: directory.knownHosts, mode: 0o600)
        return key
    }
}

/// Connecting to the instance with SSH.
extension Machines {
    private static let launchLimit = Duration.seconds(600)

    /// The host key alias; in lower case because ssh looks it up in lower case in the known hosts.
    var alias: String { workspace.stackName.lowercased() }

    /// Retries until the login succeeds.
    /// - Throws: `Failure` if the instance stops, or if the login does not succeed within the limit.
    func reached(
        _ id: String, _ order: MachineOrder, _ stack: MachineStack, until expires: Date,
        limit: Duration = Machines.launchLimit, _ events: @escaping EventSink
    ) async throws -> AWSMachine {
        events(.progress(.setup, Progress("waiting for SSH on instance \(id)")))
        var polling = workspace.polling
        polling.limit = min(limit, polling.limit)
        var answer = "no connection attempted yet"
        do {
            return try await activity("SSH", events) {
                try await workspace.client.wait(for: "SSH on instance \(id)", at: polling) {
                    guard let instance = try await running(id), let address = instance.address else { return nil }
                    let endpoint = try write(order, address)
                    let output = try await runner.execute(
                        .ssh(config: endpoint.configFile, alias: endpoint.alias, script: "true"))
                    try Task.checkCancellation()
                    answer = output.standardError.trimmedLine
                    guard output.status.isSuccess else { return nil }
                    return AWSMachine(
                        endpoint: endpoint, instanceID: id, address: address, expires: expires,
                        hourlyCost: hourlyCost(stack.parameters))
                }
            }
        } catch let late as WaitTimeout {
            throw await unreachable(id, late, answer, stack)
        }
    }

    /// Returns `nil` while the instance is starting.
    /// - Throws: `Failure` if it is in any other state than running.
    func running(_ id: String) async throws -> EC2.Instance? {
        guard let instance = try await instance(id), instance.state.name != "pending" else { return nil }
        guard instance.state.name == "running" else {
            throw Failure(
                .failed, "instance \(id) in \(workspace.region) is \(instance.state.name): \(instance.reason)",
                details: await console(of: id))
        }
        return instance
    }

    private func unreachable(_ id: String, _ late: WaitTimeout, _ answer: String, _ stack: MachineStack) async
        -> Failure
    {
        let networks = stack.parameters.filter { $0.key.hasPrefix("SSHIP") && !$0.value.isEmpty }
            .map(\.value).sorted().joined(separator: ", ")
        return Failure(
            .unavailable, late.description,
            details: ["ssh says: \(answer)", "its security group allows SSH from \(networks)"]
                + (await console(of: id)),
            advice: "if your SSH connections come from another address, for example through a VPN, add --ssh-cidr; "
                + "for a jump host, add --ssh-config")
    }

    /// The last lines of its console output, as far as AWS has them.
    func console(of id: String) async -> [String] {
        let lines = ((try? await consoleText(of: id)) ?? "").split(whereSeparator: \.isNewline).suffix(15).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
        }
        return lines.isEmpty ? [] : ["last lines of its console output:"] + lines
    }

    func consoleText(of id: String) async throws -> String {
        do {
            let latest = try await workspace.client.call(EC2.GetConsoleOutput(instanceId: id, latest: true))
            if let text = latest.text, !text.isEmpty { return text }
        } catch let error as AWSError where error.code == "UnsupportedOperation" {
            // Only Nitro instances support `latest`.
        }
        return try await workspace.client.call(EC2.GetConsoleOutput(instanceId: id)).text ?? ""
    }

    /// Writes the SSH configuration of the instance. The address is known only when the instance runs, and may change.
    ///
    /// With a configuration file of the user, the alias is the address, so that the entries for that address apply.
    private func write(_ order: MachineOrder, _ address: String) throws -> SSHEndpoint {
        let isOpen = order.sshConfig != nil
        let config = SSHConfig(
            alias: isOpen ? address : alias, host: isOpen ? nil : address, port: isOpen ? nil : 22, user: order.user,
            identityFile: keyFile(order.key), knownHostsFile: directory.knownHosts,
            controlPath: directory.controlPath, hostKeyAlias: alias, includedFile: order.sshConfig)
        if (try? readText(directory.sshConfig)) != config.text {
            try writeAtomically(config.text, to: directory.sshConfig, mode: 0o600)
        }
        return SSHEndpoint(configFile: directory.sshConfig, alias: config.alias)
    }

    /// - Parameter parameters: the parameters of the stack.
    func hourlyCost(_ parameters: [String: String]) -> Double? {
        guard let type = parameters["InstanceType"], let disk = parameters["VolumeSize"].flatMap({ Int($0) }) else {
            return nil
        }
        return PriceList.shipped.instance(type, isRunning: true, diskGiB: disk, hasAddress: true, in: workspace.region)
            .map { $0 / PriceList.hoursPerMonth }
    }
}

/// The local directory with the state of an instance: its keys, its SSH configuration and its ids. Only its owner can
/// read it.
///
/// It is optional: if it is lost, an unfinished instance is replaced by a new one.
struct MachineDirectory: Sendable {
    let path: String

    var key: String { "\(path)/key" }
    var hostKey: String { "\(path)/host_key" }
    var knownHosts: String { "\(path)/known_hosts" }
    var sshConfig: String { "\(path)/ssh_config" }
    private var socket: String { "\(path)/mux" }
    private var recordFile: String { "\(path)/machine.json" }
    /// The lock file is next to the directory because it outlives it.
    private var lock: String { "\(path).lock" }

    /// The SSH endpoint, with the alias from the configuration that the launch wrote; `nil` without that file.
    var endpoint: SSHEndpoint? {
        guard let text = try? readText(sshConfig), let host = text.firstMatch(of: /^Host (\S+)\n/) else { return nil }
        return SSHEndpoint(configFile: sshConfig, alias: String(host.1))
    }

    /// The instance that the keys belong to.
    struct Record: Sendable, Equatable, Codable {
        var stackID: String
        var instanceID: String
    }

    var record: Record? {
        (try? readText(recordFile)).flatMap { try? JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
    }

    func write(_ record: Record) throws {
        let json = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        try writeAtomically(json + "\n", to: recordFile, mode: 0o600)
    }

    /// - Throws: `LockHeld` if another process on this host works on the same asset id.
    func claim(holder: String) throws -> MachineLock {
        try makeDirectory(parentDirectory(path), mode: 0o700)
        return MachineLock(try FileLock(lock, holder: holder))
    }

    /// Makes an empty directory and deletes any previous contents.
    func clear() throws {
        try remove()
        try makeDirectory(path, mode: 0o700)
    }

    func remove() throws {
        guard fileExists(path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    /// Path of the socket of the shared SSH connection; `nil` if it is too long. A socket path has at most 107 bytes,
    /// and ssh appends a temporary suffix.
    var controlPath: String? { socket.utf8.count <= 85 ? socket : nil }
}

/// The exclusive lock on an asset id, held until it is given back or the process ends.
final class MachineLock: Sendable {
    private struct Held: ~Copyable {
        var lock: FileLock?
    }

    private let held: Mutex<Held>

    init(_ lock: consuming FileLock) {
        held = Mutex(Held(lock: lock))
    }

    func giveBack() { held.withLock { $0.lock = nil } }
}

/// The SSH host key of an instance. It is generated locally and passed in the user data at launch, so that there is no
/// trust on first use.
struct HostKey: Sendable {
    /// The private key in OpenSSH's format.
    let secret: Secret
    /// Type and key, without the comment.
    let publicKey: String

    /// - Parameter publicLine: the public key as `ssh-keygen` writes it.
    init(secret: String, publicLine: String) {
        self.secret = Secret(secret)
        publicKey = publicLine.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
    }
}

/// The host keys that cloud-init prints to the console of an instance. Only the owner of the instance can read its
/// console, so the keys authenticate the instance before the first connection.
/// Source: <https://cloudinit.readthedocs.io/en/latest/reference/modules.html> (Keys to Console)
struct ConsoleHostKeys: Sendable, Equatable {
    /// Type and key, separated by a space. Empty until the console shows the complete list.
    let keys: Set<String>

    /// - Parameter console: the console output. Other output may be mixed into the list; a line that it breaks is
    ///   skipped.
    init(_ console: String) {
        let lines = console.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix { $0.isWhitespace } }
        guard let begin = lines.lastIndex(where: { $0.hasPrefix("-----BEGIN SSH HOST KEY KEYS-----") }),
            let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END SSH HOST KEY KEYS-----") })
        else {
            keys = []
            return
        }
        keys = Set(lines[begin..<end].compactMap(Self.key))
    }

    /// Parses a line and verifies the key: its bytes begin with the length and the name of its type.
    private static func key(_ line: Substring) -> String? {
        let words = line.split(separator: " ")
        guard words.count >= 2, let bytes = Data(base64Encoded: String(words[1])) else { return nil }
        let type = Array(words[0].utf8)
        guard bytes.count > type.count + 4, Array(bytes.dropFirst(4).prefix(type.count)) == type else { return nil }
        return "\(words[0]) \(words[1])"
    }
}
