import AWSCore
import AWSProvider
import AWSServices
import ArgumentParser
import Definition
import FoundationEssentials
import LocalProvider
import Reporting
import Sandbox
import Workbench

/// `dss create-docker-image`
struct CreateDockerImage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-docker-image",
        abstract: "Builds the sandbox as a Docker image.",
        discussion: """
            Runs the same playbook as create-vm, for a container. The image is written as an OCI layout into the \
            bucket, without a Docker daemon; the same inputs give the same digest. Needs root on this machine.

            --publish pushes it, first as its version and then, when that is whole in the registry, as latest. User \
            and password come from DOCKER_REGISTRY_USER and DOCKER_REGISTRY_PASSWORD, else from what docker login has \
            left.

            Examples:
              sudo dss create-docker-image
              sudo dss create-docker-image --load
              sudo -E dss create-docker-image --version 1.0.0 --release --publish
              sudo -E dss create-docker-image --release --publish --list-on-aws \\
                  --aws-profile release
              sudo dss create-docker-image \\
                  --repository localhost:5000/exasol/data-science-sandbox --compression zstd
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var image: DockerOptions
    @OptionGroup var place: PlaceOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var aws: AWSOptions

    @Flag(help: "Pushes the image to its registry, as its version and as latest.")
    var publish = false

    @Flag(
        name: .customLong("list-on-aws"),
        help: "With --publish: notes the image in the bucket on AWS, for show-aws-assets and update-release.")
    var listOnAWS = false

    @Option(
        name: .customLong("registry-user"),
        help: ArgumentHelp("The user of the registry instead of DOCKER_REGISTRY_USER.", valueName: "name"))
    var registryUser: String?

    @Flag(help: "Loads the image into the Docker daemon of this machine.")
    var load = false

    @Option(
        help: ArgumentHelp("Also writes an archive as docker save does.", valueName: "file"), completion: .file())
    var archive: String?

    @Flag(help: "Refuses to build a sandbox that lacks anything.")
    var release = false

    @Flag(name: .customLong("no-cache"), help: "Builds everything from nothing.")
    var noCache = false

    @Flag(
        name: [.customLong("keep-container"), .customLong("keep-on-failure")],
        help: "Leaves the build container up where the installation fails, and says how to reach it.")
    var keepContainer = false

    func validate() throws {
        if listOnAWS, !publish { throw ValidationError("--list-on-aws goes with --publish.") }
    }

    func run() async throws {
        let live = Live()
        try live.requireRoot(for: "dss create-docker-image")
        let build = try order(live)
        let order = try await live.dockerOrder(build, image, folder: live.absolute(parentDirectory(definition.file)))
        let folder = live.dockerFolder(build.assetID, build.definition.names, place)
        // Wrong options are told before the build and not after it.
        let push = publish ? try live.push(order, user: registryUser) : nil
        let writer = EventWriter(output)
        let report = try await writer.live {
            var report = try await LocalProvider.createDockerImage(
                order, in: folder, on: await live.factory(place), with: live.provisioner(definition),
                events: writer.sink)
            let handover = Handover(
                runner: live.runner, layout: folder.layout, record: report.record, version: order.version)
            if let archive { try await handover.archive(to: archive) }
            if load { try await handover.load() }
            if let push {
                report.record = try await push.publish(
                    report.record, in: folder, version: order.version, events: writer.sink)
            }
            return report
        }
        if listOnAWS { try await list(report.record, live) }
        let terminal = Terminal.standardOutput
        terminal.write(output.json ? report.event : report.text(terminal.style))
    }

    private func list(_ record: DockerRecord, _ live: Live) async throws {
        try await live.withImages(aws, definition) { client, names in
            let bucket = try await ImageBucket.front(in: client).bucket
            try await PublishedDockerImage(client: client, bucket: bucket)
                .list(record, as: PublishedDockerImage.key(names.bucketPrefix, record.assetID))
        }
    }

    private func order(_ live: Live) throws -> BuildOrder {
        let definition = try live.loaded(definition).definition.definition.cutIntoLayers
        return BuildOrder(
            assetID: try asset.assetID(in: definition), definition: definition, password: .given(Secret("")),
            isRelease: release, usesCache: !noCache, keepsMachineOnFailure: keepContainer, isVerbose: output.verbose,
            edition: .container)
    }
}

extension DockerReport {
    /// The final report on a terminal.
    func text(_ style: Style) -> String {
        var facts: [FactSheet.Fact] = [
            .init("image", record.reference), .init("digest", record.digest),
            .init("size", Units.size(record.bytes)), .init("layout", layout),
        ]
        facts += record.layers.map { .shown("layer", "\(Units.size($0.bytes))  \($0.name)") }
        facts += record.missing.map { .shown("MISSING", "\($0.component): \($0.reason)") }
        facts += stages.filter { $0.outcome != .cached }.map { .shown($0.stage.rawValue, Units.time($0.seconds)) }
        let next = record.isPublished ? record.pullLine : "sudo dss verify-docker-image \(layout)"
        return (isUnchanged ? "nothing to do: no input has changed since this image was built\n\n" : "")
            + FactSheet(facts).text(style) + "\nnext: \(next)\n"
    }

    /// The same as the last line of a stream of events.
    var event: String {
        JSONValue.object([
            ("event", .string("docker-image")), ("reference", .string(record.reference)),
            ("digest", .string(record.digest)), ("bytes", .integer(record.bytes)), ("layout", .string(layout)),
            ("published", .bool(record.isPublished)), ("unchanged", .bool(isUnchanged)),
            (
                "layers",
                .array(
                    record.layers.map {
                        .object([
                            ("name", .string($0.name)), ("digest", .string($0.digest)), ("bytes", .integer($0.bytes)),
                        ])
                    })
            ),
            (
                "missing",
                .array(
                    record.missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            (
                "stages",
                .array(
                    stages.map {
                        .object([
                            ("stage", .string($0.stage.rawValue)), ("seconds", .seconds($0.seconds)),
                            ("outcome", .string($0.outcome.rawValue)),
                        ])
                    })
            ),
        ]).line + "\n"
    }
}

/// The record of a pushed Docker image beside the VM images of its asset id: there, another machine finds it too, and
/// whoever removes the asset id's things removes it.
struct PublishedDockerImage: Sendable {
    let client: AWSClient
    let bucket: String

    /// Of `data_science_sandbox/<asset-id>/docker-image.json`.
    /// - Parameter prefix: that of the definition's names.
    static func key(_ prefix: String, _ assetID: AssetID) -> String {
        assetID.key(of: DockerRecord.fileName, under: prefix)
    }

    func list(_ record: DockerRecord, as key: String) async throws {
        _ = try await client.call(
            S3.PutObject(bucket: bucket, key: key, body: Array(try record.json.utf8), contentType: "application/json"))
    }

    /// - Returns: `nil` where there is none, or something else.
    func record(_ key: String) async throws -> DockerRecord? {
        do {
            let body = try await client.call(S3.GetObject(bucket: bucket, key: key)).body
            return try? JSONDecoder().decode(DockerRecord.self, from: Data(body))
        } catch let error as AWSError where error.code == "NoSuchKey" {
            return nil
        }
    }
}

extension AssetSearch {
    /// The assets, with what pulls the Docker images among them.
    func withPullLines(_ assets: [AWSAsset]) async throws -> [AWSAsset] {
        var assets = assets
        for index in assets.indices where assets[index].shortID == DockerRecord.fileName && assets[index].url != nil {
            let asset = assets[index]
            let image = PublishedDockerImage(client: client.region(asset.region), bucket: asset.bucket?.name ?? "")
            assets[index].pullLine = try await image.record(asset.id)?.pullLine
        }
        return assets
    }
}
