import Sandbox
import Workbench

/// The script that seals a machine, with the default password; it goes to a root shell through standard input.
struct SealScript {
    let text: String

    init(user: String, password: Secret) throws {
        guard !password.reveal.contains(where: \.isNewline) else {
            throw Failure(.usage, "the default password must be a single line")
        }
        text = """
            dss_user=\(shellQuoted(user))
            dss_password=\(shellQuoted(password.reveal))
            \(String(decoding: PackageResources.seal_sh, as: UTF8.self))
            """
    }
}
