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
struct CreateDockerImage: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-docker-image",
        abstract: "Build the sandbox as a Docker image",
        discussion: """
            Runs the same playbook as create-vm, for a container. Writes the image to the artifact store as an OCI \
            image layout, without a Docker daemon. The same inputs produce the same digest. Requires root.

            --publish pushes the image under its version tag first; once the registry has the complete image, it \
            pushes the tag latest. Registry credentials come from DOCKER_REGISTRY_USER and DOCKER_REGISTRY_PASSWORD, \
            else from the credentials stored by 'docker login'.

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
    @OptionGroup var place: DirectoryOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var aws: AWSOptions

    @Flag(help: "Push the image to its registry, tagged with its version and latest")
    var publish = false

    @Flag(
        name: .customLong("list-on-aws"),
        help: "With --publish, record the image in the S3 bucket for show-aws-assets and update-release")
    var listOnAWS = false

    @Option(
        name: .customLong("registry-user"),
        help: ArgumentHelp("Registry user [env: DOCKER_REGISTRY_USER]", valueName: "name"))
    var registryUser: String?

    @Flag(help: "Load the image into the local Docker daemon")
    var load = false

    @Option(
        help: ArgumentHelp("Also write a 'docker save' archive to a file", valueName: "file"), completion: .file())
    var archive: String?

    @Flag(help: "Fail if any component of the sandbox cannot be installed")
    var release = false

    @Flag(name: .customLong("no-cache"), help: "Build from scratch, ignoring the cache")
    var noCache = false

    @Flag(
        name: [.customLong("keep-container"), .customLong("keep-on-failure")],
        help: "Keep the build container running if the installation fails, and print how to connect")
    var keepContainer = false

    func validate() throws {
        if listOnAWS, !publish { throw ValidationError("--list-on-aws requires --publish") }
    }

    func run(in live: Live) async throws {
        try live.requireRoot(for: "dss create-docker-image")
        let build = try order(live)
        let order = try await live.dockerOrder(build, image, folder: live.absolute(parentDirectory(definition.file)))
        let folder = live.dockerFolder(build.assetID, build.definition.names, place)
        // Invalid options are reported before the build, not after it.
        let push = publish ? try live.push(order, user: registryUser) : nil
        let writer = EventWriter(live, output)
        let report = try await writer.live {
            var report = try await LocalProvider.createDockerImage(
                order, in: folder, on: await live.factory(place), with: live.provisioner(definition),
                events: writer.sink)
            let handover = DockerArchive(
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
        let terminal = live.standardOutput
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
    /// The final report for a terminal.
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

    /// The report as the last line of a JSON event stream.
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

/// The record of a pushed Docker image in the image bucket, beside the VM images of its asset id. Other hosts find it
/// there, and it is removed with the other assets of the asset id.
struct PublishedDockerImage: Sendable {
    let client: AWSClient
    let bucket: String

    /// The key `data_science_sandbox/<asset-id>/docker-image.json`.
    /// - Parameter prefix: The bucket prefix from the definition's names.
    static func key(_ prefix: String, _ assetID: AssetID) -> String {
        assetID.key(of: DockerRecord.fileName, under: prefix)
    }

    func list(_ record: DockerRecord, as key: String) async throws {
        _ = try await client.call(
            S3.PutObject(bucket: bucket, key: key, body: Array(try record.json.utf8), contentType: "application/json"))
    }

    /// - Returns: The record; `nil` if there is no object or it is not a record.
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
    /// Adds the `docker pull` command to the Docker images among the assets.
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
