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
            assetID: try definition.defaultAssetID, definition: definition, password: .given(Secret("")),
            isRelease: release, keepsMachineOnFailure: true, isVerbose: output.verbose)
        let writer = EventWriter(live, output)
        let missing = try await RemoteHost.with(host.access(live), runner: live.runner) { machine in
            try machine.system.expect(definition.base, on: host.host)
            return try await writer.live { try await install(order, on: machine, live, writer.sink) }
        }
        for part in missing { writer.sink(.lacking(part)) }
        live.standardOutput.write(output.json ? event(missing) : "installed the sandbox on \(host.host)\n")
    }

    private func install(
        _ order: BuildOrder, on machine: RemoteHost, _ live: Live, _ events: @escaping EventSink
    ) async throws -> [MissingComponent] {
        let everything = PlaybookStep(index: 0, roles: order.definition.playbook.roles)
        do {
            return try await live.provisioner(definition).install(everything, of: order, on: machine, events: events)
        } catch var failure as Failure where failure.code == .failed || failure.code == .temporary {
            failure.advice = "fix the problem and run the command again; completed tasks are not repeated"
            throw failure
        }
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
