import AWSProvider
import ArgumentParser
import Definition
import Reporting
import Sandbox

/// `dss export-vm`
struct ExportVM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-vm",
        abstract: "Makes an AMI and image files of a machine on AWS that runs.",
        discussion: """
            Seals the machine of 'dss setup-ec2-and-install-dependencies --keep', unless that was done, makes an AMI of \
            it and exports that into the bucket. Nobody can log in to a sealed machine any more, so that it is removed \
            as soon as its AMI is there. Run again, it goes on where it stopped.

            Examples:
              dss export-vm --asset-id trial --ask-default-password
              dss export-vm --asset-id trial --format qcow2 --export-method ebs-direct
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var password: PasswordOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var export: ExportOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .customLong("format"), help: "An image format instead of the definition's; may be repeated.")
    var formats: [ImageFormat] = []

    @Flag(help: "Leaves the machine, stopped, with its stack.")
    var keep = false

    func run() async throws {
        let live = Live()
        let order = try order(live)
        try await live.withAWSProvider(for: order, aws, .existing(isKept: keep), export) { provider, publication in
            let result = try await output.build(order, on: provider, with: live.provisioner(definition))
            try await publication.publish(result)
            output.show(result, order)
        }
    }

    /// Nothing is installed.
    private func order(_ live: Live) throws -> BuildOrder {
        var definition = try live.loaded(definition, formats: formats).definition.definition
        let assetID = try asset.assetID(in: definition)
        definition.playbook.roles = []
        return BuildOrder(
            assetID: assetID, definition: definition,
            password: try password.password(environment: live.environment), isVerbose: output.verbose)
    }
}
