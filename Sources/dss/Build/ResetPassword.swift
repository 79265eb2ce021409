import ArgumentParser
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss reset-password`
struct ResetPassword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password",
        abstract: "Gives a sandbox that runs somewhere a default password.",
        discussion: """
            Sets the password of the sandbox's login user and of JupyterLab on a machine that is reached by SSH, by a \
            user who may become root by sudo. The login has to change it the next time. The password goes through the \
            connection only, never through an argument.

            The machine's host key must be known to ssh, stand in --known-hosts, or be given by --host-key; an unknown \
            one is refused.

            Examples:
              dss reset-password --host 10.0.0.7 --user admin --key id_ed25519
              dss reset-password --host box --ssh-config jump.conf --user admin \\
                --key id_ed25519 --default-password-file secret.txt
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var password: PasswordOptions
    @OptionGroup var definition: DefinitionOptions

    @Flag(help: "Prints JSON.")
    var json = false

    func run() async throws {
        let live = Live()
        let user = try live.sandboxUser(definition)
        let password = try password.password(environment: live.environment)
        let reset = try PasswordReset(user: user, password: password.secret)
        let hasJupyter = try await RemoteHost.with(host.access(live), runner: live.runner, reset.run)
        var generated: Secret?
        if case .generated(let secret) = password { generated = secret }
        Terminal.standardOutput.write(json ? document(user, hasJupyter, generated) : text(user, hasJupyter, generated))
    }

    private func text(_ user: String, _ hasJupyter: Bool, _ generated: Secret?) -> String {
        let jupyter = hasJupyter ? " and JupyterLab" : ""
        let password = generated.map { ": \($0.reveal)" } ?? ""
        return "'\(user)'\(jupyter) on \(host.host) has the default password now\(password)\n"
            + "It must be changed at the next login.\n"
    }

    private func document(_ user: String, _ hasJupyter: Bool, _ generated: Secret?) -> String {
        JSONValue.object([
            ("host", .string(host.host)), ("user", .string(user)), ("jupyter", .bool(hasJupyter)),
            ("default_password", .text(generated?.reveal)),
        ]).pretty + "\n"
    }
}
