import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// The key pair of whoever logs in, and the key of the machine itself.
extension Machines {
    func keyName(_ key: MachineOrder.Key) -> String {
        switch key {
        case .new: site.stackName
        case .existing(let name, _): name
        }
    }

    func keyFile(_ key: MachineOrder.Key) -> String {
        switch key {
        case .new: directory.key
        case .existing(_, let file): file
        }
    }

    /// Whether the user's own key can do, before anything is made.
    func checkKey(_ key: MachineOrder.Key) async throws {
        guard case .existing(let name, let file) = key else { return }
        try checkFile(file)
        guard let pair = try await keyPair(name) else {
            throw Failure(
                .badData, "there is no key pair '\(name)' in \(site.region)",
                advice: "aws ec2 describe-key-pairs --region \(site.region)")
        }
        let output = try await runner.execute(Command("ssh-keygen", ["-y", "-P", "", "-f", file]))
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw Failure(
                .badData, "\(file) is no private key that can be used unasked: \(output.standardError.trimmedLine)",
                advice: "leave out --ec2-key-name and --ec2-key-file: a key pair is made for the build then")
        }
        let key = { (line: String) in line.split(whereSeparator: \.isWhitespace).prefix(2) }
        guard let known = pair.publicKey, key(known) != key(output.standardOutput) else { return }
        throw Failure(.badData, "\(file) is not the private key of key pair '\(name)' in \(site.region)")
    }

    /// ssh itself refuses the key of the caller's own that others can read.
    private func checkFile(_ file: String) throws {
        var status = stat()
        guard stat(file, &status) == 0, access(file, R_OK) == 0 else { throw FileError("read", file) }
        guard status.st_uid != getuid() || status.st_mode & 0o077 == 0 else {
            throw Failure(
                .noPermission, "others can read the private key \(file), so that ssh refuses it",
                advice: "chmod 600 \(shellQuoted(file))")
        }
    }

    /// One for this build, where no key was given. What an earlier run has left of that name goes first.
    func makeKey(_ key: MachineOrder.Key) async throws {
        guard case .new = key else { return }
        try await runner.run(.sshKeygen(path: directory.key, comment: site.stackName))
        try await removeKeyPair()
        if try await keyPair(site.stackName) != nil {
            throw Failure(
                .failed,
                "there is a key pair \(site.stackName) in \(site.region) already, and it is not of asset id "
                    + "\(site.assetID)", advice: "use another --asset-id, or --ec2-key-name and --ec2-key-file")
        }
        _ = try await site.client.call(
            EC2.ImportKeyPair(
                keyName: site.stackName, publicKeyMaterial: Data(try readText("\(directory.key).pub").utf8),
                tagSpecifications: site.specifications("key-pair", tags: site.passingTags)))
    }

    /// Removes the one that was made for this build, if it is there.
    func removeKeyPair() async throws {
        guard let pair = try await keyPair(site.stackName), site.owns(pair.tags) else { return }
        _ = try await site.client.call(EC2.DeleteKeyPair(keyPairId: pair.keyPairId))
    }

    func keyPair(_ name: String) async throws -> EC2.KeyPair? {
        var search = EC2.DescribeKeyPairs(filters: [.init(name: "key-name", values: [name])])
        search.includePublicKey = true
        return try await site.client.call(search).keyPairs.first { $0.keyName == name }
    }

    /// Makes the machine's key and pins it.
    func makeHostKey() async throws -> HostKey {
        try await runner.run(.sshKeygen(path: directory.hostKey, comment: alias))
        let key = HostKey(
            secret: try readText(directory.hostKey), publicLine: try readText("\(directory.hostKey).pub"))
        try writeAtomically("\(alias) \(key.publicKey)\n", to: directory.knownHosts, mode: 0o600)
        return key
    }
}

/// Reaching the machine.
extension Machines {
    private static let launchLimit = Duration.seconds(600)

    /// In lower case, as ssh looks it up among the known hosts.
    var alias: String { site.stackName.lowercased() }

    /// Tries until it lets one in.
    /// - Throws: `Failure` where it has ended meanwhile, or does not answer within the limit.
    func reached(
        _ id: String, _ order: MachineOrder, _ stack: MachineStack, until expires: Date,
        limit: Duration = Machines.launchLimit, _ events: @escaping EventSink
    ) async throws -> AWSMachine {
        events(.progress(.setup, Progress("waiting for SSH on machine \(id)")))
        var pace = site.pace
        pace.limit = min(limit, pace.limit)
        var answer = "nobody has been asked yet"
        do {
            return try await activity("SSH", events) {
                try await site.client.wait(for: "SSH on machine \(id)", at: pace) {
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
        } catch let late as WaitedTooLong {
            throw await unreachable(id, late, answer, stack)
        }
    }

    /// `nil` while it starts.
    func running(_ id: String) async throws -> EC2.Instance? {
        guard let instance = try await instance(id), instance.state.name != "pending" else { return nil }
        guard instance.state.name == "running" else {
            throw Failure(
                .failed, "machine \(id) in \(site.region) is \(instance.state.name): \(instance.reason)",
                details: await console(of: id))
        }
        return instance
    }

    private func unreachable(_ id: String, _ late: WaitedTooLong, _ answer: String, _ stack: MachineStack) async
        -> Failure
    {
        let networks = stack.parameters.filter { $0.key.hasPrefix("SSHIP") && !$0.value.isEmpty }
            .map(\.value).sorted().joined(separator: ", ")
        return Failure(
            .unavailable, late.description,
            details: ["ssh says: \(answer)", "its security group lets SSH in from \(networks)"]
                + (await console(of: id)),
            advice: "is that the address that your SSH comes from, and not that of a proxy? else add --ssh-cidr, "
                + "or --ssh-config for a jump host")
    }

    /// The end of what it wrote to its console, as far as AWS has it.
    func console(of id: String) async -> [String] {
        let lines = ((try? await consoleText(of: id)) ?? "").split(whereSeparator: \.isNewline).suffix(15).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
        }
        return lines.isEmpty ? [] : ["the end of its console:"] + lines
    }

    func consoleText(of id: String) async throws -> String {
        do {
            let latest = try await site.client.call(EC2.GetConsoleOutput(instanceId: id, latest: true))
            if let text = latest.text, !text.isEmpty { return text }
        } catch let error as AWSError where error.code == "UnsupportedOperation" {
            // Only machines on Nitro have it.
        }
        return try await site.client.call(EC2.GetConsoleOutput(instanceId: id)).text ?? ""
    }

    /// The configuration that leads to it: the address is known only when it runs, and may change.
    ///
    /// With a file of the user's the address is the alias, so that what that file says of the address applies.
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

    /// - Parameter parameters: of its stack.
    func hourlyCost(_ parameters: [String: String]) -> Double? {
        guard let type = parameters["InstanceType"], let disk = parameters["VolumeSize"].flatMap({ Int($0) }) else {
            return nil
        }
        return PriceList.shipped.instance(type, isRunning: true, diskGiB: disk, hasAddress: true, in: site.region)
            .map { $0 / PriceList.hoursPerMonth }
    }
}

/// What is kept here of a machine on AWS: its keys, how it is reached, and which one it is. Readable by its owner alone.
///
/// A help and no need: where it is gone, a machine that is not finished is made anew.
struct MachineDirectory: Sendable {
    let path: String

    var key: String { "\(path)/key" }
    var hostKey: String { "\(path)/host_key" }
    var knownHosts: String { "\(path)/known_hosts" }
    var sshConfig: String { "\(path)/ssh_config" }
    private var socket: String { "\(path)/mux" }
    private var recordFile: String { "\(path)/machine.json" }
    /// Beside it, since it outlives it.
    private var lock: String { "\(path).lock" }

    /// How the machine is reached, by the alias that its launch has written down; `nil` where that is not here.
    var endpoint: SSHEndpoint? {
        guard let text = try? readText(sshConfig), let host = text.firstMatch(of: /^Host (\S+)\n/) else { return nil }
        return SSHEndpoint(configFile: sshConfig, alias: String(host.1))
    }

    /// Which machine the keys belong to.
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

    /// - Throws: `LockHeld` where another process of this machine works on the same asset id.
    func claim(holder: String) throws -> MachineClaim {
        try makeDirectory(parentDirectory(path), mode: 0o700)
        return MachineClaim(try FileLock(lock, holder: holder))
    }

    /// Empty, whatever was there.
    func clear() throws {
        try remove()
        try makeDirectory(path, mode: 0o700)
    }

    func remove() throws {
        guard fileExists(path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    /// One connection for all calls; a socket's path may have 107 bytes, of which ssh takes some for a temporary name.
    var controlPath: String? { socket.utf8.count <= 85 ? socket : nil }
}

/// The right to work on one asset id, until it is given back or the process ends.
final class MachineClaim: Sendable {
    private struct Held: ~Copyable {
        var lock: FileLock?
    }

    private let held: Mutex<Held>

    init(_ lock: consuming FileLock) {
        held = Mutex(Held(lock: lock))
    }

    func giveBack() { held.withLock { $0.lock = nil } }
}

/// The key by which a machine shows who it is, made here and handed in at launch: nobody is trusted on first use.
struct HostKey: Sendable {
    /// In OpenSSH's format.
    let secret: Secret
    /// Type and key, without a comment.
    let publicKey: String

    /// - Parameter publicLine: a line as `ssh-keygen` writes it.
    init(secret: String, publicLine: String) {
        self.secret = Secret(secret)
        publicKey = publicLine.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
    }
}

/// The host keys that cloud-init writes to the console of a machine, which AWS shows to its owner alone: by them the
/// machine is known before anybody talks to it.
/// Source: <https://cloudinit.readthedocs.io/en/latest/reference/modules.html> (Keys to Console)
struct ConsoleHostKeys: Sendable, Equatable {
    /// Type and key. Empty as long as the console does not show the whole list.
    let keys: Set<String>

    /// - Parameter console: what else writes to it may stand between the lines, or break one, which is left out then.
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

    /// A key's own bytes begin with the length and the name of its type.
    private static func key(_ line: Substring) -> String? {
        let words = line.split(separator: " ")
        guard words.count >= 2, let bytes = Data(base64Encoded: String(words[1])) else { return nil }
        let type = Array(words[0].utf8)
        guard bytes.count > type.count + 4, Array(bytes.dropFirst(4).prefix(type.count)) == type else { return nil }
        return "\(words[0]) \(words[1])"
    }
}
