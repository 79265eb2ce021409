import Sandbox
import Workbench

/// The script that seals a machine, with the default password; it goes to a root shell through standard input.
struct SealScript {
    let text: String

    init(user: String, password: Secret) throws {
        text = try secretScript(
            user: user, password: password, String(decoding: PackageResources.seal_sh, as: UTF8.self))
    }
}

/// A script for a root shell that finds user and password in its variables.
/// - Throws: `Failure` where no login could ever be given that password.
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

/// Gives a machine its default password back, which the login has to change the next time.
package struct PasswordReset: Sendable {
    private let user: String
    private let script: String

    /// - Parameter user: the login user of the sandbox.
    package init(user: String, password: Secret) throws {
        self.user = user
        script = try secretScript(
            user: user, password: password, String(decoding: PackageResources.reset_password_sh, as: UTF8.self))
    }

    /// - Returns: whether JupyterLab has the password too; there may be none.
    package func run(on host: RemoteHost) async throws -> Bool {
        let output = try await host.execute(script)
        guard output.status.isSuccess else {
            throw Failure(
                .failed, "the password of '\(user)' could not be set on \(host.name) (\(output.status))",
                details: output.standardError.split(separator: "\n").suffix(10).map(String.init))
        }
        return output.standardOutput.split(separator: "\n").contains("jupyter")
    }
}
