import ArgumentParser
import Definition
import FoundationEssentials
import Reporting
import Sandbox
import Workbench

/// `dss create-vm`
struct CreateVM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-vm",
        abstract: "Builds the sandbox and writes its VM images.",
        discussion: """
            Runs setup, install, seal, capture, export and clean-up. Stages whose inputs have not changed come \
            from the cache. Needs root on this machine.

            Examples:
              sudo dss create-vm
              sudo dss create-vm --format vmdk --format ova --set disk.size=12GiB
              sudo dss create-vm --default-password-file secret.txt --json > events.jsonl
              sudo dss create-vm --keep-on-failure --verbose
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var password: PasswordOptions
    @OptionGroup var place: PlaceOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Where to build.")
    var provider = ProviderName.local

    @Option(name: .customLong("format"), help: "An image format instead of the definition's; may be repeated.")
    var formats: [ImageFormat] = []

    @Flag(help: "Refuses to build a sandbox that lacks anything.")
    var release = false

    @Flag(name: .customLong("no-cache"), help: "Builds everything from nothing.")
    var noCache = false

    @Flag(
        name: .customLong("keep-on-failure"),
        help: "Leaves the machine up where a stage fails, and says how to reach it.")
    var keepOnFailure = false

    @Option(help: ArgumentHelp("Also writes the report as Markdown.", valueName: "file"), completion: .file())
    var report: String?

    func run() async throws {
        let live = Live()
        try live.requireRoot(for: "dss create-vm")
        let order = try order(live)
        let writer = EventWriter(output)
        let provider = try await live.provider(for: order, place)
        let result = try await writer.live {
            try await Sandbox.createVM(order, on: provider, with: live.provisioner(definition), events: writer.sink)
        }
        try publish(result, order)
    }

    private func order(_ live: Live) throws -> BuildOrder {
        let definition = try live.loaded(definition, formats: formats).definition.definition
        return BuildOrder(
            assetID: try asset.assetID(in: definition), definition: definition,
            password: try password.password(environment: live.environment), isRelease: release,
            usesCache: !noCache, keepsMachineOnFailure: keepOnFailure, isVerbose: output.verbose)
    }

    private func publish(_ result: BuildReport, _ order: BuildOrder) throws {
        var generated: Secret?
        if case .generated(let secret) = order.password { generated = secret }
        if let report { try writeAtomically(result.markdown, to: report) }
        let terminal = Terminal.standardOutput
        terminal.write(
            output.json ? result.event(password: generated) : result.text(terminal.style, password: generated))
    }
}

enum ProviderName: String, ExpressibleByArgument, CaseIterable {
    case local
}

extension ImageFormat: ExpressibleByArgument {}
