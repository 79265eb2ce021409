import DiskImages
import FoundationEssentials
import Provisioning
import Sandbox
import Workbench

/// Builds on this host, with a container as the build machine and a folder as the bucket.
package struct LocalVMProvider: VMProvider {
    package let name = "local"

    private let factory: LocalMachineFactory
    private let writer: DiskWriter
    private let converter: ImageConverter
    private let folder: AssetFolder<DirectoryStore>
    private let verifier: PasswordVerifier
    private let now: @Sendable () -> Date
    /// Hash of this program: a newer `dss` may write different images from the same inputs.
    private let programDigest: String

    package init(
        runner: any CommandRunner, factory: LocalMachineFactory, folder: AssetFolder<DirectoryStore>,
        stateDirectory: String, programDigest: String, now: @escaping @Sendable () -> Date
    ) {
        self.factory = factory
        self.programDigest = programDigest
        writer = DiskWriter(runner: runner)
        converter = ImageConverter(runner: runner)
        self.folder = folder
        self.now = now
        verifier = PasswordVerifier(
            runner: runner, path: PasswordVerifier.path(of: folder.assetID, in: stateDirectory))
    }

    package func finished(_ order: BuildOrder) async throws -> FinishedBuild? {
        let inputs = try BuildInputs(order).diskDigest(of: order.definition, program: programDigest)
        if case .given(let password)? = order.password {
            guard try await verifier.isRemembered(password) else { return nil }
        }
        return try await folder.finished(order, inputs: inputs).map {
            FinishedBuild(artifacts: $0.artifacts(at: folder.address), missing: $0.missing)
        }
    }

    package func setUp(_ build: BuildContext) async throws -> Machine {
        let order = build.order
        try folder.requireFolder()
        try await folder.requireFree(order.definition.formats.map(order.imageName))
        let inputs = try BuildInputs(order)
        let plan = MachinePlan(
            assetID: order.assetID, base: order.definition.base, steps: inputs.stepKeys,
            roles: order.definition.playbook.steps.map(\.roles), usesCache: order.usesCache,
            reachesHost: order.definition.namesHost, isVerbose: order.isVerbose)
        return Machine(
            try await factory.start(plan, in: build.scope),
            inputs: inputs.diskDigest(of: order.definition, program: programDigest))
    }

    package func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String] {
        factory.hints(machine.container)
    }

    package func keep(
        _ machine: Machine, after step: PlaybookStep, missing: [MissingComponent], in build: BuildContext
    ) async throws -> Machine {
        let next = try await factory.keep(machine.container, missing: missing, events: build.scope.events)
        return Machine(next, inputs: machine.inputs)
    }

    package func capture(
        _ machine: Machine, missing: [MissingComponent], in build: BuildContext
    ) async throws -> Image {
        let root = try await factory.halt(machine.container, events: build.scope.events)
        let disk = try await writer.write(
            root, to: machine.container.build.path("disk.raw"), sizeMiB: build.definition.disk.sizeMiB,
            architecture: build.definition.base.architecture
        ) { build.scope.progress(.capture, $0) }
        return Image(disk: disk, inputs: machine.inputs)
    }

    package func export(
        _ image: Image, missing: [MissingComponent], in build: BuildContext
    ) async throws -> [Artifact] {
        let order = build.order
        try await folder.prepare(in: build.scope)
        let converted = try await converter.convert(
            image.disk, to: order.definition.formats, in: folder.path, stem: order.imageStem,
            appliance: Appliance(order)
        ) { build.scope.progress(.export, $0) }
        return try await publish(converted, of: order, missing: missing, inputs: image.inputs)
    }

    /// Removes the old manifest, renames all files into place, and writes the new manifest.
    func publish(
        _ images: [ConvertedImage], of order: BuildOrder, missing: [MissingComponent], inputs: String
    ) async throws -> [Artifact] {
        let files = images.map(\.file)
        if let password = order.password { try await verifier.remember(password.secret) }
        try await folder.withdrawImages(keeping: files.map(\.name))
        for image in images { try renameFile(image.temporaryPath, to: folder.path(image.file.name)) }
        return try await folder.publish(
            images: Manifest(order, files: files, missing: missing, inputs: inputs, built: now()))
    }

    /// The running container, and the hash of the inputs of the images.
    package struct Machine: BuildMachine {
        package var endpoint: SSHEndpoint { container.endpoint }
        package var stepsDone: Int { container.stepsDone }
        package var buildEnvironment: [String: String] { container.buildEnvironment }
        package var missing: [MissingComponent] { container.missing }

        let container: LocalMachine
        let inputs: String

        init(_ container: LocalMachine, inputs: String) {
            self.container = container
            self.inputs = inputs
        }
    }

    /// The raw disk of a stopped machine.
    package struct Image: Sendable {
        let disk: RawDisk
        let inputs: String
    }
}
