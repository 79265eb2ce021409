import ArgumentParser
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss reset-password`
struct ResetPassword: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password",
        abstract: "Reset the login password of a running sandbox and the access to JupyterLab",
        discussion: """
            Connects over SSH, as a user with sudo permission, and sets the default password of the sandbox's login \
            user. The next login must change it. JupyterLab forgets its password and gets a new token. The default \
            password is sent over the connection only, never as a command-line argument.

            The machine's host key must be in ssh's known-hosts files, in the file given by --known-hosts, or given by \
            --host-key. Unknown host keys are rejected.

            Examples:
              dss reset-password --host 10.0.0.7 --user admin --key id_ed25519
              dss reset-password --host box --ssh-config jump.conf --user admin \\
                --key id_ed25519 --default-password-file secret.txt
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var password: NewPasswordOptions
    @OptionGroup var definition: DefinitionOptions

    @Flag(help: .json)
    var json = false

    func run(in live: Live) async throws {
        let user = try live.sandboxUser(definition)
        let password = try password.password(in: live)
        let reset = try PasswordReset(user: user, password: password.secret)
        let hasJupyter = try await RemoteHost.with(host.access(live), runner: live.runner, reset.run)
        live.standardOutput.write(
            json ? document(user, hasJupyter, password.generated) : text(user, hasJupyter, password.generated))
    }

    private func text(_ user: String, _ hasJupyter: Bool, _ generated: Secret?) -> String {
        let password = generated.map { ": \($0.reveal)" } ?? ""
        return "reset the password of '\(user)' on \(host.host) to the default\(password)\n"
            + "The next login must change it.\n"
            + (hasJupyter ? "JupyterLab has a new token, which the next login shows.\n" : "")
    }

    private func document(_ user: String, _ hasJupyter: Bool, _ generated: Secret?) -> String {
        JSONValue.object([
            ("host", .string(host.host)), ("user", .string(user)), ("jupyter", .bool(hasJupyter)),
            ("default_password", .text(generated?.reveal)),
        ]).pretty + "\n"
    }
}
