import ArgumentParser
import Definition
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss install-dependencies`
struct InstallDependencies: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-dependencies",
        abstract: "Install the sandbox on an existing machine, without sealing it",
        discussion: """
            Runs the whole playbook over SSH, as a user with sudo permission. The machine must run the distribution \
            release that the definition specifies. Existing logins keep working: no password is set and no key is \
            removed. To set a default password, use 'dss reset-password'.

            The machine's host key must be in ssh's known-hosts files, in the file given by --known-hosts, or given by \
            --host-key. Unknown host keys are rejected.

            Examples:
              dss install-dependencies --host 10.0.0.7 --user admin --key id_ed25519
              dss install-dependencies --host box --ssh-config jump.conf --user admin \\
                --key id_ed25519 --verbose
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Fail if any component of the sandbox cannot be installed")
    var release = false

    func run(in live: Live) async throws {
        let definition = try live.loaded(self.definition).definition.definition
        let order = BuildOrder(
            assetID: try definition.defaultAssetID, definition: definition, password: nil,
            isRelease: release, keepsMachineOnFailure: true, isVerbose: output.verbose)
        let writer = EventWriter(live, output)
        let missing = try await writer.live {
            try await Provisioning.installDependencies(
                order, on: host.access(live), with: live.provisioner(self.definition), runner: live.runner,
                events: writer.sink)
        }
        live.standardOutput.write(output.json ? event(missing) : Self.summary(host.host, definition.playbook.roles))
    }

    /// The playbook starts no service: the machine is meant to be restarted.
    static func summary(_ host: String, _ roles: [String]) -> String {
        "installed the sandbox on \(host)\n"
            + (roles.contains("jupyter_settings")
                ? "JupyterLab starts at the next boot; a login then shows its address\n" : "")
    }

    private func event(_ missing: [MissingComponent]) -> String {
        JSONValue.object([
            ("event", .string("installed")), ("host", .string(host.host)),
            (
                "missing",
                .array(
                    missing.map { .object([("component", .string($0.component)), ("reason", .string($0.reason))]) })
            ),
        ]).line + "\n"
    }
}
