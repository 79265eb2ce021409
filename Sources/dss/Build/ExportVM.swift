import AWSProvider
import ArgumentParser
import Definition
import Reporting
import Sandbox

/// `dss export-vm`
struct ExportVM: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-vm",
        abstract: "Create an AMI and VM images from a running EC2 instance",
        discussion: """
            Seals the instance started by 'dss setup-ec2-and-install-dependencies --keep' unless it is sealed already, \
            creates an AMI from it, and exports the AMI to the S3 bucket. A sealed instance no longer accepts logins, \
            so it is removed as soon as its AMI is available. Run the command again to resume an interrupted export.

            Examples:
              dss export-vm --asset-id trial --ask-default-password
              dss export-vm --asset-id trial --format qcow2 --export-method ebs-direct
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var password: NewPasswordOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var export: ExportOptions
    @OptionGroup var output: OutputOptions

    @Option(name: .customLong("format"), help: "Image format to export, overriding the definition (repeatable)")
    var formats: [ImageFormat] = []

    @Flag(help: "Keep the stopped instance and its stack")
    var keep = false

    func run(in live: Live) async throws {
        let order = try order(live)
        try await live.withAWSProvider(for: order, aws, .existing(isKept: keep), export) { provider, publication in
            let result = try await output.build(order, on: provider, with: live.provisioner(definition), live)
            try await publication.publish(result)
            output.show(result, order, live)
        }
    }

    /// The build order, without roles to install.
    private func order(_ live: Live) throws -> BuildOrder {
        var definition = try live.loaded(definition, formats: formats).definition.definition
        let assetID = try asset.assetID(in: definition)
        definition.playbook.roles = []
        return BuildOrder(
            assetID: assetID, definition: definition,
            password: try password.password(in: live), isVerbose: output.verbose)
    }
}
