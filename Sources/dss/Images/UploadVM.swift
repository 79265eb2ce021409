import AWSCore
import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss upload-vm`
struct UploadVM: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload-vm",
        abstract: "Create an AMI from a local raw disk image",
        discussion: """
            Writes the contents of the disk to a snapshot and registers it as an AMI, without an instance or an import \
            task. Run the command again with the same disk to resume an interrupted upload. An AMI of another disk is \
            not changed.

            Examples:
              dss upload-vm sandbox-0.1.0.raw --asset-id 0.1.0 --aws-profile release
              dss upload-vm disk.raw --asset-id try-1 --name my-sandbox \\
                  --boot-mode legacy-bios
              qemu-img convert -O raw sandbox.qcow2 sandbox.raw \\
                  && dss upload-vm sandbox.raw --asset-id 0.1.0
            """)

    @Argument(help: ArgumentHelp("Raw disk image", valueName: "file"), completion: .file())
    var disk: String

    @Option(
        name: .customLong("asset-id"), help: ArgumentHelp("Asset id of the AMI", valueName: "id"))
    var assetID: String

    @Option(help: ArgumentHelp("Name of the AMI (default: from the definition)", valueName: "name"))
    var name: String?

    @Option(help: "Processor architecture")
    var architecture = Architecture.amd64

    @Option(name: .customLong("boot-mode"), help: "Boot mode (default: both, UEFI preferred)")
    var bootMode: ImageTraits.BootMode?

    @Flag(help: .json)
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        if let name, name.wholeMatch(of: /[A-Za-z0-9()\[\] .\/'@_-]{3,128}/) == nil {
            throw ValidationError("an AMI name must have 3 to 128 characters: letters, digits, spaces and ()[]./-'@_")
        }
    }

    func run(in live: Live) async throws {
        let traits = try ImageTraits(architecture, bootMode: bootMode)
        let asset = try AssetID(assetID)
        let disk = try await UploadSource(live.absolute(disk), live.runner)
        let writer = EventWriter(live)
        let (image, region) = try await writer.live {
            try await live.withImages(aws, definition) { client, names in
                let workspace = AWSWorkspace(client, asset, names: names, polling: try live.polling())
                let image = try await uploadVM(
                    disk, to: workspace, named: name, traits, events: writer.sink, clock: live.clock)
                return (image, client.region)
            }
        }
        live.show(facts(image, region), json: json)
    }

    private func facts(_ image: CapturedImage, _ region: String) -> FactSheet {
        FactSheet([
            .init("AMI", key: "image_id", image.id), .init("name", image.name), .init("region", region),
            .init("snapshot", key: "snapshot_id", image.snapshotID),
            .init("disk", key: "volume_gib", "\(image.volumeGiB) GiB", .count(image.volumeGiB)),
        ])
    }
}

extension Architecture: ExpressibleByArgument {}
extension ImageTraits.BootMode: ExpressibleByArgument {}
