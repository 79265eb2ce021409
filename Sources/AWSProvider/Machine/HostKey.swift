import Sandbox

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
