import AWSCore
import AWSProvider
import AWSServices
import ArgumentParser
import Definition
import FoundationEssentials
import LocalProvider
import Provisioning
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

    @Flag(help: .plan)
    var plan = false

    func validate() throws {
        if listOnAWS, !publish { throw ValidationError("--list-on-aws requires --publish") }
    }

    var needsRoot: Bool { !plan }

    func run(in live: Live) async throws {
        if plan { return try await showPlan(live) }
        if let archive { try live.requireWritable(archive) }
        let build = try order(live)
        try await live.playbookCheck(definition).requireSound(build.definition.playbook)
        let factory = try await live.factory(place, for: build, definition)
        let order = try await live.dockerOrder(
            build, image, on: factory, folder: live.absolute(parentDirectory(definition.file)))
        let folder = try live.folder(build.assetID, build.definition.names, place)
        // Invalid options are reported before the build, not after it.
        let push = publish ? try live.push(order, user: registryUser) : nil
        if listOnAWS { try await withListing(of: order, live) { try await $0.requireSameSandbox(as: build) } }
        if try await factory.plan(order, in: folder).installs {
            try await live.playbookCheck(definition).requireLoadable(build.definition.playbook)
        }
        let writer = EventWriter(live, output)
        let report = try await writer.live {
            var report = try await LocalProvider.createDockerImage(
                order, in: folder, on: factory, with: live.provisioner(definition), events: writer.sink)
            let handover = DockerArchive(
                runner: live.runner, layout: folder.layout, container: report.container,
                version: order.version)
            if let archive { try await handover.archive(to: live.absolute(archive)) }
            if load { try await handover.load() }
            if let push {
                report.container = try await push.publish(
                    report.container, of: order, in: folder, events: writer.sink)
            }
            return report
        }
        if listOnAWS {
            try await withListing(of: order, live) { [container = report.container] in
                try await $0.publish(container: container, orElse: order.containerManifest)
            }
        }
        let terminal = live.standardOutput
        terminal.write(output.json ? report.event : report.text(terminal.style, live.invocation))
    }

    private func showPlan(_ live: Live) async throws {
        let build = try order(live)
        let factory = try await live.factory(place, for: build, definition)
        let order = try await live.dockerOrder(
            build, image, on: factory, folder: live.absolute(parentDirectory(definition.file)))
        let folder = try live.folder(build.assetID, build.definition.names, place)
        try live.show(try await factory.plan(order, in: folder), json: output.json)
    }

    /// Runs `body` with the folder of the asset id in the bucket on AWS.
    private func withListing(
        of order: DockerOrder, _ live: Live, _ body: (AssetFolder<S3ArtifactStore>) async throws -> Void
    ) async throws {
        try await live.withImages(aws, definition) { client, names in
            let store = S3ArtifactStore(client, try await ImageBucket.find(in: client, for: .download))
            try await body(AssetFolder(store, order.build.assetID, under: names.bucketPrefix))
        }
    }

    private func order(_ live: Live) throws -> BuildOrder {
        let definition = try live.loaded(definition).definition.definition.cutIntoLayers
        return BuildOrder(
            assetID: try asset.assetID(in: definition), definition: definition, password: nil,
            isRelease: release, usesCache: !noCache, keepsMachineOnFailure: keepContainer, isVerbose: output.verbose,
            edition: .container)
    }
}

extension DockerReport {
    /// The final report for a terminal.
    func text(_ style: Style, _ invocation: Invocation) -> String {
        var facts: [FactSheet.Fact] = [
            .init("image", container.reference), .init("digest", container.digest),
            .init("size", Units.size(container.bytes)), .init("layout", layout),
        ]
        facts += container.layers.map { .shown("layer", "\(Units.size($0.bytes))  \($0.name)") }
        facts += container.missing.map { .shown("MISSING", "\($0.component): \($0.reason)") }
        facts += stages.filter { $0.outcome != .cached }.map { .shown($0.stage.rawValue, Units.time($0.seconds)) }
        let verify = "sudo dss verify-docker-image \(shellQuoted(layout))"
        let next = container.isPublished ? container.pullLine : invocation.spelled(verify)
        return (isUnchanged ? "nothing to do: no input has changed since this image was built\n\n" : "")
            + FactSheet(facts).text(style) + "\nnext: \(next)\n"
    }

    /// The report as the last line of a JSON event stream.
    var event: String {
        JSONValue.object([
            ("event", .string("docker-image")), ("reference", .string(container.reference)),
            ("digest", .string(container.digest)), ("bytes", .integer(container.bytes)), ("layout", .string(layout)),
            ("published", .bool(container.isPublished)), ("unchanged", .bool(isUnchanged)),
            (
                "layers",
                .array(
                    container.layers.map {
                        .object([
                            ("name", .string($0.name)), ("digest", .string($0.digest)), ("bytes", .integer($0.bytes)),
                        ])
                    })
            ),
            (
                "missing",
                .array(
                    container.missing.map {
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

extension AWSAssets {
    /// Adds the `docker pull` command to the manifests that describe a Docker image.
    func withPullLines(_ assets: [Asset]) async throws -> [Asset] {
        let manifests = assets.indices.filter { assets[$0].shortID == Manifest.fileName && assets[$0].url != nil }
        var assets = assets
        try await inParallel(manifests, width: 16) { [assets] index in
            let asset = assets[index]
            let store = S3ArtifactStore(
                client.region(asset.region), ImageBucket(name: asset.bucket?.name ?? "", domain: ""))
            let manifest = try await store.read(asset.id).flatMap {
                try? Manifest(json: String(decoding: $0, as: UTF8.self))
            }
            return (index, manifest?.container?.pullLine)
        } each: { (found: (index: Int, line: String?)) in
            assets[found.index].pullLine = found.line
        }
        return assets
    }
}
