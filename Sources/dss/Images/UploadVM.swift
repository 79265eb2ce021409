import AWSCore
import AWSProvider
import ArgumentParser
import DiskImages
import Reporting
import Sandbox
import Workbench

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

    @Flag(help: "Print JSON")
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
        let disk = live.absolute(disk)
        try await requireRaw(disk, live.runner)
        let writer = EventWriter(live)
        let log = StageLog(events: writer.sink, clock: live.clock)
        let (image, region) = try await live.withImages(aws, definition) { client, names in
            let workspace = AWSWorkspace(client, asset, names: names, polling: try live.polling())
            let upload = VMUpload(
                workspace, ImageRegistration(workspace, name: name ?? workspace.imageName, traits: traits))
            let image = try await writer.live {
                try await log.run(.capture) {
                    (try await undoingOnFailure { try await upload.run(disk, undo: $0, events: writer.sink) }, .done)
                }
            }
            return (image, client.region)
        }
        let facts = facts(image, region)
        live.show(facts, json: json)
    }

    /// - Throws: `Failure` if the file is not a raw disk; its advice is the command that converts the file to one.
    private func requireRaw(_ path: String, _ runner: any CommandRunner) async throws {
        let info = try await ImageInspector(runner: runner).inspect(path)
        guard info.format != .raw else { return }
        let raw = path.replacing(".\(info.format.fileExtension)", with: "") + ".raw"
        let line =
            info.format == .ova
            ? "unpack it with tar and convert the disk inside: qemu-img convert -p -O raw DISK.vmdk \(shellQuoted(raw))"
            : "qemu-img convert -p -f \(Conversion.driver(of: info.format)) -O raw \(shellQuoted(path)) \(shellQuoted(raw))"
        throw Failure(.badData, "\(path) is a \(info.format.rawValue) image, but a raw disk is required", advice: line)
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
