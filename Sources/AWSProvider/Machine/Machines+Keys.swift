import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
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
