import ArgumentParser
import Definition
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss install-dependencies`
struct InstallDependencies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-dependencies",
        abstract: "Makes a machine that is there already a sandbox, without sealing it.",
        discussion: """
            Runs the whole playbook on a machine that is reached by SSH, by a user who may become root by sudo. It must \
            run the release that the definition is for. Whoever can log in now can do so afterwards: no password is set, \
            no key removed; 'dss reset-password' gives it a default password.

            The machine's host key must be known to ssh, stand in --known-hosts, or be given by --host-key; an unknown \
            one is refused.

            Examples:
              dss install-dependencies --host 10.0.0.7 --user admin --key id_ed25519
              dss install-dependencies --host box --ssh-config jump.conf --user admin \\
                --key id_ed25519 --verbose
            """)

    @OptionGroup var host: HostOptions
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Refuses to leave anything out.")
    var release = false

    func run() async throws {
        let live = Live()
        let definition = try live.loaded(self.definition).definition.definition
        let order = BuildOrder(
            assetID: try definition.defaultAssetID, definition: definition, password: .given(Secret("")),
            isRelease: release, keepsMachineOnFailure: true, isVerbose: output.verbose)
        let writer = EventWriter(output)
        let missing = try await RemoteHost.with(host.access(live), runner: live.runner) { machine in
            try machine.system.expect(definition.base, on: host.host)
            return try await writer.live { try await install(order, on: machine, live, writer.sink) }
        }
        for part in missing { writer.sink(.lacking(part)) }
        Terminal.standardOutput.write(output.json ? event(missing) : "\(host.host) is a sandbox now\n")
    }

    private func install(
        _ order: BuildOrder, on machine: RemoteHost, _ live: Live, _ events: @escaping EventSink
    ) async throws -> [MissingComponent] {
        let everything = PlaybookStep(index: 0, roles: order.definition.playbook.roles)
        do {
            return try await live.provisioner(definition).install(everything, of: order, on: machine, events: events)
        } catch var failure as Failure where failure.code == .failed || failure.code == .temporary {
            failure.advice = "when that is mended, run the same command again: what is done already stays as it is"
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
