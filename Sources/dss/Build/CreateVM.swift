import AWSProvider
import ArgumentParser
import Definition
import FoundationEssentials
import LocalProvider
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss create-vm`
struct CreateVM: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-vm",
        abstract: "Build the sandbox and write its VM images",
        discussion: """
            Runs the stages setup, install, seal, capture, export and clean-up. Local builds require root and take \
            stages whose inputs have not changed from the cache. With --provider aws, the build machine is an EC2 \
            instance and the images are exported to the S3 bucket created by 'dss setup-vm-bucket'. If an AWS build is \
            interrupted, run the command again with the same asset id to resume it.

            If the images of the asset id are up to date, nothing is built. Formats that are missing are added: they \
            are made from the same sealed disk, so the default password remains the same. If inputs have changed, the \
            images are replaced when the new ones are complete, and images of formats that were not asked for are \
            removed.

            If a local build with --keep-on-failure fails, 'dss shell' opens a shell in its machine, and --resume goes \
            on with that machine from the failed step. Nothing of such a build is cached, because the machine may have \
            been changed by hand.

            Examples:
              sudo dss create-vm
              sudo dss create-vm --format vmdk --format ova --set disk.size=12GiB
              sudo dss create-vm --format qcow2 --only-formats
              sudo dss create-vm --new-password --ask-default-password
              sudo dss create-vm --default-password-file secret.txt --json > events.jsonl
              sudo dss create-vm --keep-on-failure --verbose
              dss create-vm --plan
              sudo dss create-vm --resume
              dss create-vm --provider aws --aws-profile release --asset-id 0.1.0 \\
                  --release
              dss create-vm --provider aws --export-method ebs-direct --format qcow2 \\
                  --format vmdk
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var password: NewPasswordOptions
    @OptionGroup var place: DirectoryOptions
    @OptionGroup var output: OutputOptions

    @OptionGroup(title: "AWS options") var aws: AWSOptions
    @OptionGroup(title: "AWS options") var machine: MachineOptions
    @OptionGroup(title: "AWS options") var export: ExportOptions

    @Option(help: "Where to build: on this host or on AWS")
    var provider = ProviderName.local

    @Option(
        name: .customLong("format"),
        help: "Image format to export, overriding the definition; published images of other formats stay (repeatable)")
    var formats: [ImageFormat] = []

    @Flag(
        name: .customLong("only-formats"),
        help: "After confirmation and a successful build, remove published images of other formats")
    var onlyFormats = false

    @Flag(
        name: .customLong("new-password"),
        help: "Build images that are up to date anew, with the given default password or a generated one")
    var newPassword = false

    @Flag(help: .yes)
    var yes = false

    @Flag(help: "Fail if any component of the sandbox cannot be installed")
    var release = false

    @Flag(name: .customLong("no-cache"), help: "Build from scratch, ignoring the cache")
    var noCache = false

    @Flag(
        name: .customLong("keep-on-failure"),
        help: "Keep the build machine running if a stage fails, and print how to connect")
    var keepOnFailure = false

    @Flag(help: "Go on with the machine that --keep-on-failure kept, from the failed step")
    var resume = false

    @Option(help: ArgumentHelp("Also write the report to a file as Markdown", valueName: "file"), completion: .file())
    var report: String?

    var needsRoot: Bool { provider == .local && !plan }

    @Flag(help: .plan)
    var plan = false

    func validate() throws {
        if plan, provider != .local { throw ValidationError("--plan works with --provider local only") }
        guard resume else { return }
        if provider == .aws {
            throw ValidationError(
                "--resume is for builds on this host; to resume a build on AWS, run the same command again without it")
        }
        if noCache { throw ValidationError("--resume goes on with an earlier build, which --no-cache excludes") }
        if release { throw ValidationError("a release is built from scratch; --release excludes --resume") }
    }

    func run(in live: Live) async throws {
        if plan { return try await showPlan(live) }
        if let report { try live.requireWritable(report) }
        switch provider {
        case .local: try await runLocally(live)
        case .aws: try await runOnAWS(live)
        }
    }

    private func showPlan(_ live: Live) async throws {
        let order = try order(live, password: nil)
        try live.show(try await provider(for: order, live).plan(order), json: output.json)
    }

    private func provider(for order: BuildOrder, _ live: Live) async throws -> LocalVMProvider {
        try await live.provider(for: order, definition, place)
    }

    private func runLocally(_ live: Live) async throws {
        let order = try order(live, password: password.password(in: live))
        try await confirmRemoval(in: live.folder(order.assetID, order.definition.names, place), for: order, live)
        try await live.playbookCheck(definition).requireSound(order.definition.playbook)
        let provider = try await provider(for: order, live)
        if try await provider.plan(order).installs {
            try await live.playbookCheck(definition).requireLoadable(order.definition.playbook)
        }
        let result = try await output.build(order, on: provider, with: live.provisioner(definition), live)
        try writeReport(result)
        output.show(result, order, live)
    }

    private func runOnAWS(_ live: Live) async throws {
        _ = try machine.reach.networks
        let order = try order(live, password: password.password(in: live))
        let check = live.playbookCheck(definition)
        try await check.requireSound(order.definition.playbook)
        try await check.requireLoadable(order.definition.playbook)
        try await live.withAWSProvider(for: order, aws, .new(machine), export) { provider, publication in
            try await confirmRemoval(in: publication, for: order, live)
            let provisioner = live.provisioner(definition, reconnects: true)
            let result = try await output.build(order, on: provider, with: provisioner, live)
            try await publication.publish(result)
            try writeReport(result)
            output.show(result, order, live)
        }
    }

    private func order(_ live: Live, password: DefaultPassword?) throws -> BuildOrder {
        let definition = try live.loaded(definition, formats: formats).definition.definition
        return BuildOrder(
            assetID: try asset.assetID(in: definition), definition: definition,
            password: password, isRelease: release,
            usesCache: !noCache && !resume, setsNewPassword: newPassword, keepsOnlyItsFormats: onlyFormats,
            keepsMachineOnFailure: keepOnFailure || resume, resumesKeptMachine: resume,
            isVerbose: output.verbose)
    }

    /// Asks whether to remove the published images of other formats, before anything is built.
    private func confirmRemoval(
        in folder: AssetFolder<some ArtifactStore>, for order: BuildOrder, _ live: Live
    ) async throws {
        guard onlyFormats, !yes, let manifest = try await folder.manifest() else { return }
        let others = manifest.files.filter { !order.definition.formats.contains($0.format) }
        guard !others.isEmpty else { return }
        for file in others { live.standardError.write("\(folder.address(file.name))\n") }
        try await live.confirm(
            "Remove \(others.count == 1 ? "this image" : "these images") after the build?",
            orElse: "nothing was built or removed")
    }

    private func writeReport(_ result: BuildReport) throws {
        if let report { try writeUserFile(result.markdown, to: report) }
    }
}

enum ProviderName: String, ExpressibleByArgument, CaseIterable {
    case local, aws
}

extension ImageFormat: ExpressibleByArgument {}
