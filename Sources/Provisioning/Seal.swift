import Sandbox
import Workbench

/// The script that seals a machine. It contains the default password, so a root shell reads it from standard input.
struct SealScript {
    let text: String

    init(user: String, password: Secret) throws {
        text = try secretScript(
            user: user, password: password, String(decoding: PackageResources.seal_sh, as: UTF8.self))
    }
}

/// A script for a root shell, preceded by assignments of user and password to the variables it uses.
/// - Throws: `Failure` if the password is not a single line, which no login can have.
func secretScript(user: String, password: Secret, _ script: String) throws -> String {
    guard !password.reveal.contains(where: \.isNewline) else {
        throw Failure(.usage, "the default password must be a single line")
    }
    return """
        dss_user=\(shellQuoted(user))
        dss_password=\(shellQuoted(password.reveal))
        \(script)
        """
}

/// Resets the password of a host to the default, which must be changed at the next login.
package struct PasswordReset: Sendable {
    private let user: String
    private let script: String

    /// - Parameter user: The login user of the sandbox.
    package init(user: String, password: Secret) throws {
        self.user = user
        script = try secretScript(
            user: user, password: password, String(decoding: PackageResources.reset_password_sh, as: UTF8.self))
    }

    /// - Returns: Whether the access to JupyterLab was reset too; the host may not have JupyterLab.
    package func run(on host: RemoteHost) async throws -> Bool {
        let output = try await host.execute(script)
        guard output.status.isSuccess else {
            throw Failure(
                .failed, "failed to set the password of '\(user)' on \(host.name) (\(output.status))",
                details: output.standardError.split(separator: "\n").suffix(10).map(String.init))
        }
        return output.standardOutput.split(separator: "\n").contains("jupyter")
    }
}
