import DiskImages
import FoundationEssentials
import Sandbox
import Workbench

/// Builds on this machine: a container as the build machine, a folder as the bucket.
package struct LocalVMProvider: VMProvider {
    package let name = "local"

    private let factory: LocalMachineFactory
    private let writer: DiskWriter
    private let converter: ImageConverter
    private let folder: AssetFolder<DirectoryStore>
    private let verifier: PasswordVerifier
    private let now: @Sendable () -> Date
    /// Hash of this program: a newer `dss` may write other images from the same inputs.
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
        let inputs = try inputs(of: order)
        if case .given(let password) = order.password {
            guard try await verifier.isRemembered(password) else { return nil }
        }
        return try await folder.finished(order, inputs: inputs).map {
            FinishedBuild(artifacts: $0.artifacts(at: folder.address), missing: $0.missing)
        }
    }

    package func setUp(
        _ order: BuildOrder, undo: Undo, events: @escaping EventSink
    ) async throws -> Machine {
        try await folder.requireFree(order.definition.formats.map(order.imageName))
        let stepKeys = try PlaybookFingerprint(order).stepKeys
        let plan = MachinePlan(
            assetID: order.assetID, base: order.definition.base, steps: stepKeys,
            usesCache: order.usesCache, reachesHost: order.definition.namesHost, isVerbose: order.isVerbose)
        return Machine(
            try await factory.start(plan, undo: undo, events: events), inputs: inputs(of: order, stepKeys))
    }

    package func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String] {
        factory.hints(machine.container)
    }

    package func keep(
        _ machine: Machine, after step: PlaybookStep, missing: [MissingComponent], undo: Undo,
        events: @escaping EventSink
    ) async throws -> Machine {
        Machine(try await factory.keep(machine.container, missing: missing, events: events), inputs: machine.inputs)
    }

    package func capture(
        _ machine: Machine, of order: BuildOrder, missing: [MissingComponent], undo: Undo, events: @escaping EventSink
    ) async throws -> Image {
        let root = try await factory.halt(machine.container, events: events)
        let disk = try await writer.write(
            root, to: machine.container.build.path("disk.raw"), sizeMiB: order.definition.disk.sizeMiB,
            architecture: order.definition.base.architecture
        ) { events(.progress(.capture, $0)) }
        return Image(disk: disk, inputs: machine.inputs)
    }

    package func export(
        _ image: Image, of order: BuildOrder, missing: [MissingComponent], undo: Undo, events: @escaping EventSink
    ) async throws -> [Artifact] {
        try await folder.prepare(undo: undo)
        let converted = try await converter.convert(
            image.disk, to: order.definition.formats, in: folder.path, stem: order.imageStem,
            appliance: Appliance(order)
        ) { events(.progress(.export, $0)) }
        return try await publish(converted, of: order, missing: missing, inputs: image.inputs)
    }

    /// Renames all files into place, between the removal of the old manifest and the writing of the new one.
    func publish(
        _ images: [ConvertedImage], of order: BuildOrder, missing: [MissingComponent], inputs: String
    ) async throws -> [Artifact] {
        let files = images.map(\.file)
        try await verifier.remember(order.password.secret)
        try await folder.withdrawImages(keeping: files.map(\.name))
        for image in images { try renameFile(image.temporaryPath, to: folder.path(image.file.name)) }
        return try await folder.publish(
            images: Manifest(order, files: files, missing: missing, inputs: inputs, built: now()))
    }

    func inputs(of order: BuildOrder) throws -> String {
        inputs(of: order, try PlaybookFingerprint(order).stepKeys)
    }

    private func inputs(of order: BuildOrder, _ stepKeys: [String]) -> String {
        var hash = ContentHash()
        for key in stepKeys { hash.add("step", key) }
        let definition = order.definition
        let base = definition.base
        hash.add("base", "\(base.distribution) \(base.suite) \(base.mirror) \(base.architecture)")
        hash.add("disk", "\(definition.disk.sizeMiB)")
        hash.add("name", "\(definition.name) \(definition.version)")
        hash.add("program", programDigest)
        return hash.hexDigest
    }

    /// The running container, and the hash of what the images will be made from.
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

/// The keys under which the results of the playbook's steps are kept: hashes of all that goes into each.
package struct PlaybookFingerprint: Sendable {
    /// One key for each step; a change in a role changes the keys of its step and of those after it.
    package let stepKeys: [String]

    /// Read once before the build, so that a file that is edited while it runs spoils no cache entry.
    package init(_ order: BuildOrder) throws {
        let definition = order.definition
        let playbook = definition.playbook
        let folder = parentDirectory(playbook.file)
        var hash = ContentHash()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        hash.add("variables", String(decoding: try encoder.encode(playbook.variables), as: UTF8.self))
        hash.add("user", definition.user.name)
        hash.add("port", "\(definition.ports.jupyter)")
        // A release never starts from a system that may lack something.
        hash.add("release", "\(order.isRelease)")
        try hash.addTree(playbook.pins)
        // What is no listed role may be used by any of them: the play itself, group variables, helper roles.
        try hash.addTree(folder) { path in
            !playbook.roles.contains { path == "roles/\($0)" } && Self.matters(path)
        }
        stepKeys = try playbook.steps.map { step in
            for role in step.roles where fileExists("\(folder)/roles/\(role)") {
                hash.add("role", role)
                try hash.addTree("\(folder)/roles/\(role)", where: Self.matters)
            }
            return hash.hexDigest
        }
    }

    private static func matters(_ path: String) -> Bool {
        !path.hasSuffix(".md") && !path.hasPrefix(".")
    }
}
