import AWSCore
import AWSProvider
import ArgumentParser
import DiskImages
import Reporting
import Sandbox
import Workbench

/// `dss upload-vm`
struct UploadVM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload-vm",
        abstract: "Makes an AMI of a raw disk that was built on this machine.",
        discussion: """
            Writes what is on the disk to a snapshot and registers that: no instance, no import. Run again with the \
            same disk, it goes on with what is there; an AMI of another disk is left alone.

            Examples:
              dss upload-vm sandbox-0.1.0.raw --asset-id 0.1.0 --aws-profile release
              dss upload-vm disk.raw --asset-id try-1 --name my-sandbox \\
                  --boot-mode legacy-bios
              qemu-img convert -O raw sandbox.qcow2 sandbox.raw \\
                  && dss upload-vm sandbox.raw --asset-id 0.1.0
            """)

    @Argument(help: ArgumentHelp("A raw disk.", valueName: "file"), completion: .file())
    var disk: String

    @Option(
        name: .customLong("asset-id"), help: ArgumentHelp("The name under which everything is kept.", valueName: "id"))
    var assetID: String

    @Option(help: ArgumentHelp("The AMI's name; by default the one that the definition gives.", valueName: "name"))
    var name: String?

    @Option(help: "The processor that it is for.")
    var architecture = Architecture.amd64

    @Option(name: .customLong("boot-mode"), help: "How it boots; by default either way, by UEFI where it can.")
    var bootMode: ImageTraits.BootMode?

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        if let name, name.wholeMatch(of: /[A-Za-z0-9()\[\] .\/'@_-]{3,128}/) == nil {
            throw ValidationError("An AMI's name has 3 to 128 letters, digits, blanks and any of ()[]./-'@_.")
        }
    }

    func run() async throws {
        let live = Live()
        let traits = try ImageTraits(architecture, bootMode: bootMode)
        let asset = try AssetID(assetID)
        let disk = live.absolute(disk)
        try await requireRaw(disk, live.runner)
        let writer = EventWriter(verbose: false)
        let log = StageLog(events: writer.sink, clock: ContinuousClock())
        let (image, region) = try await live.withImages(aws, definition) { client, names in
            let site = BuildSite(client, asset, names: names, pace: try live.pace())
            let upload = VMUpload(site, Registration(site, name: name ?? site.imageName, traits: traits))
            let image = try await writer.live {
                try await log.run(.capture) {
                    (try await undoingOnFailure { try await upload.run(disk, undo: $0, events: writer.sink) }, .done)
                }
            }
            return (image, client.region)
        }
        let facts = facts(image, region)
        Terminal.standardOutput.write(json ? facts.json.pretty + "\n" : facts.text(Terminal.standardOutput.style))
    }

    /// - Throws: `Failure` where it is no disk with a partition table, with the line that makes it one where that helps.
    private func requireRaw(_ path: String, _ runner: any CommandRunner) async throws {
        let info = try await ImageInspector(runner: runner).inspect(path)
        guard info.format != .raw else { return }
        let raw = path.replacing(".\(info.format.fileExtension)", with: "") + ".raw"
        let line =
            info.format == .ova
            ? "unpack it with tar, and convert the disk in it: qemu-img convert -p -O raw DISK.vmdk \(shellQuoted(raw))"
            : "qemu-img convert -p -f \(Conversion.driver(of: info.format)) -O raw \(shellQuoted(path)) \(shellQuoted(raw))"
        throw Failure(.badData, "\(path) is \(info.format.rawValue), and must be a raw disk", advice: line)
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
