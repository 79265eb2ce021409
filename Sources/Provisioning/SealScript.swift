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
