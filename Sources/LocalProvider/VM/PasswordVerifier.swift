import FoundationEssentials
import Sandbox
import Workbench

/// Checks whether an image was sealed with a given password. Instead of the password, it stores a salted SHA-512 crypt
/// hash in a file that only root can read, as `/etc/shadow` does.
struct PasswordVerifier: Sendable {
    var runner: any CommandRunner
    /// Path of the file with the hash for the images of one folder.
    var path: String

    /// Buckets may hold different images of one asset id, so each has a file of its own.
    static func path(of folder: AssetFolder<DirectoryStore>, in stateDirectory: String) -> String {
        var hash = ContentHash()
        hash.add("folder", folder.path)
        return "\(stateDirectory)/\(folder.assetID)-\(hash.hexDigest.prefix(8)).password"
    }

    /// What is stored of a password.
    func hash(of password: Secret) async throws -> String { try await hash(password, salt: Self.newSalt()) }

    func remember(hash: String) throws { try writeAtomically(hash, to: path, mode: 0o600) }

    /// - Returns: whether this is the remembered password; `nil` if none is remembered.
    func isRemembered(_ password: Secret) async throws -> Bool? {
        guard let known = try? readText(path) else { return nil }
        let fields = known.split(separator: "$")
        guard fields.count == 3 else { return nil }
        return try await hash(password, salt: String(fields[1])) == known
    }

    private func hash(_ password: Secret, salt: String) async throws -> String {
        let command = Command(
            "openssl", ["passwd", "-6", "-salt", salt, "-stdin"], input: .text(password.reveal + "\n"))
        return try await runner.run(command).trimmedLine
    }

    private static func newSalt() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<16).map { _ in alphabet.randomElement()! })
    }
}
