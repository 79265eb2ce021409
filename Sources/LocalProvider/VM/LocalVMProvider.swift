import DiskImages
import FoundationEssentials
import Provisioning
import Sandbox
import Workbench

/// Builds on this host, with a container as the build machine and a folder as the bucket.
package struct LocalVMProvider: VMProvider {
    package let name = "local"

    let factory: LocalMachineFactory
    private let writer: DiskWriter
    let runner: any CommandRunner
    let folder: AssetFolder<DirectoryStore>
    let verifier: PasswordVerifier
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
        self.runner = runner
        self.folder = folder
        self.now = now
        verifier = PasswordVerifier(
            runner: runner, path: PasswordVerifier.path(of: folder, in: stateDirectory))
    }

    /// - Throws: `Failure` with code `.badData` if a given password is not the one of the finished images.
    package func finished(_ order: BuildOrder) async throws -> FinishedBuild? {
        guard let manifest = try await folder.finished(order, inputs: try inputs(of: order)) else { return nil }
        try await checkPassword(of: order)
        return FinishedBuild(artifacts: manifest.artifacts(at: folder.address), missing: manifest.missing)
    }

    func inputs(of order: BuildOrder) throws -> String {
        digest(try factory.inputs(of: order), order)
    }

    private func digest(_ inputs: BuildInputs, _ order: BuildOrder) -> String {
        inputs.diskDigest(of: order.definition, program: programDigest)
    }

    /// Images that are published and stay are in the manifest; the files that must not exist are those of the order.
    package func requireBuildable(_ order: BuildOrder) async throws {
        try folder.requireFolder()
        try await folder.requireSameSandbox(as: order)
        try await folder.requireFree(order.definition.formats.map(order.imageName))
        // Whatever the steps are.
        let plan = MachinePlan(order, BuildInputs(stepKeys: []))
        try factory.requireBuildable(plan, resumes: order.resumesKeptMachine)
    }

    package func setUp(_ build: BuildContext) async throws -> Machine {
        let order = build.order
        let inputs = try factory.inputs(of: order)
        let plan = MachinePlan(order, inputs)
        let formats = try await formats(of: order, digest(inputs, order))
        if let notice = try await replacementNotice(order, digest(inputs, order)) {
            build.scope.notice(notice)
            for line in keptDiskWarnings(try await folder.manifest()?.files ?? []) { build.scope.warning(line) }
        }
        if order.resumesKeptMachine {
            return Machine(try await factory.resume(plan, in: build.scope), inputs: nil, formats: formats)
        }
        return Machine(
            try await factory.start(plan, in: build.scope), inputs: inputs, formats: formats)
    }

    /// What a build would do, without doing it.
    package func plan(_ order: BuildOrder) async throws -> BuildPlan {
        let inputs = try factory.inputs(of: order)
        let machine = MachinePlan(order, inputs)
        let digest = self.digest(inputs, order)
        let kept = order.resumesKeptMachine ? (try? factory.keptMachine(of: order.assetID, for: machine)) : nil
        var plan = factory.plan(
            machine, steps: order.definition.playbook.steps, then: [.seal, .capture, .export],
            upToDate: try await stagesUpToDate(for: order, digest),
            goingOnWith: kept)
        if plan.isFinished { return plan }
        if kept == nil, let seal = plan.parts.firstIndex(where: { $0.stage == .seal && $0.state == .build }) {
            plan.parts[seal].changes = try await diskChanges(order, Array(plan.parts[..<seal]), digest: digest)
            plan.parts[seal].comparedWith = order.assetID.rawValue
        }
        do { try await requireBuildable(order) } catch let failure as Failure { plan.obstacle = failure }
        if plan.obstacle == nil, plan.parts.contains(where: { $0.stage == .capture && $0.state == .build }),
            let notice = try await replacementNotice(order, digest)
        {
            plan.notes.append(notice)
            plan.notes += keptDiskWarnings(try await folder.manifest()?.files ?? [])
        }
        return plan
    }

    /// Names the disks of running sandboxes whose images are about to be replaced or removed. Disks of sandboxes that do
    /// not run are anywhere; `dss run` refuses them then.
    func keptDiskWarnings(_ files: [Manifest.File]) -> [String] {
        let images = Set(files.map { folder.path($0.name) })
        return LeftoverGuests().keptDisks().filter { images.contains($0.image) }.map {
            "a sandbox that runs \($0.image) (asset id \(folder.assetID)) keeps its changes in \($0.disk); "
                + "without that image, they cannot be continued: copy what you need from the sandbox while it runs"
        }
    }

    /// Images of the same inputs are all built anew; those of other inputs are of no use any more.
    private func formats(of order: BuildOrder, _ inputs: String) async throws -> [ImageFormat] {
        try await folder.manifest(of: order, inputs: inputs)?.formats(after: order) ?? order.definition.formats
    }

    private func replacementNotice(_ order: BuildOrder, _ inputs: String) async throws -> String? {
        try await folder.manifest()?.replacementNotice(try await formats(of: order, inputs))
    }

    /// The stages that a build skips, because published images have their results.
    private func stagesUpToDate(for order: BuildOrder, _ inputs: String) async throws -> Set<Stage> {
        guard order.usesEarlierSystem else { return [] }
        if try await folder.finished(order, inputs: inputs) != nil { return Set(Stage.allCases) }
        // Formats are added to the images of the same system.
        let published = try await folder.manifest(of: order, inputs: inputs)?.files ?? []
        return published.contains { fileExists(folder.path($0.name)) } ? [.setup, .install, .seal, .capture] : []
    }

    package func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String] {
        factory.hints(machine.container)
    }

    package func keep(
        _ machine: Machine, after step: PlaybookStep, _ installed: InstalledStep, in build: BuildContext
    ) async throws -> Machine {
        let next = try await factory.keep(machine.container, installed, events: build.scope.events)
        return Machine(next, inputs: machine.inputs, formats: machine.formats)
    }

    package func capture(
        _ machine: Machine, missing: [MissingComponent], in build: BuildContext
    ) async throws -> Image {
        let root = try await factory.halt(machine.container, events: build.scope.events)
        let disk = try await writer.write(
            root, to: machine.container.build.path("disk.raw"), sizeMiB: build.definition.disk.sizeMiB,
            architecture: build.definition.base.architecture
        ) { build.scope.progress(.capture, $0) }
        var inputs = machine.inputs
        inputs?.outside = machine.container.reads
        return Image(.new(disk, inputs: inputs.map { digest($0, build.order) }), formats: machine.formats)
    }

    package func export(
        _ image: Image, missing: [MissingComponent], in build: BuildContext
    ) async throws -> [Artifact] {
        try await folder.prepare(in: build.scope)
        switch image.disk {
        case .new(let disk, let inputs):
            if inputs == nil {
                build.scope.notice("built from a machine that was kept after a failed build; not cached")
            }
            let converted = try await convert(disk, to: image.formats, build)
            return try await publish(converted, of: build.order, missing: missing, inputs: inputs)
        case .published(let addition):
            return try await add(image.formats, to: addition, build)
        }
    }

    func convert(
        _ disk: RawDisk, to formats: [ImageFormat], _ build: BuildContext
    ) async throws -> [ConvertedImage] {
        try await ImageConverter(runner: runner).convert(
            disk, to: formats, in: folder.path, stem: build.order.imageStem, appliance: Appliance(build.order)
        ) { build.scope.progress(.export, $0) }
    }

    /// Publishes the images of a new system. The old manifest is removed before the password is remembered and any file
    /// is replaced, so that a killed build never leaves images of two systems, or the password of another one.
    /// - Parameter inputs: `nil` if the images are not the result of their inputs alone.
    func publish(
        _ images: [ConvertedImage], of order: BuildOrder, missing: [MissingComponent], inputs: String?
    ) async throws -> [Artifact] {
        let old = try await folder.manifest()
        let hash =
            if let password = order.password { try await verifier.hash(of: password.secret) } else { String?.none }
        let manifest = Manifest(order, files: images.map(\.file), missing: missing, inputs: inputs, built: now())
        let artifacts = try await exchange(old, for: manifest, images, passwordHash: hash) { _ in true }
        try await factory.removeLogs(of: order.assetID)
        return artifacts
    }

    /// Replaces what is published; in a task of its own, so that Ctrl-C does not stop between the old manifest and the
    /// new one.
    /// - Parameter isReplaced: whether the published file with a name is withdrawn first.
    func exchange(
        _ old: Manifest?, for manifest: Manifest, _ images: [ConvertedImage], passwordHash: String? = nil,
        where isReplaced: @escaping @Sendable (_ name: String) -> Bool
    ) async throws -> [Artifact] {
        try await Task {
            try await folder.claim(Set((old?.files ?? []).map(\.name) + manifest.files.map(\.name)))
            try await folder.withdrawImages(where: isReplaced)
            if let passwordHash { try verifier.remember(hash: passwordHash) }
            for image in images {
                try folder.store.place(image.temporaryPath, at: folder.key(image.file.name))
            }
            return try await folder.publish(images: manifest, replacing: old)
        }.value
    }

    /// The running container, the inputs of the images (`nil` for a machine that was kept after a failure, because
    /// someone may have changed it by hand), and the formats to write.
    package struct Machine: BuildMachine {
        package var endpoint: SSHEndpoint { container.endpoint }
        package var stepsDone: Int { container.stepsDone }
        package var buildEnvironment: [String: String] { container.buildEnvironment }
        package var privateVariables: [String] { container.privateVariables }
        package var missing: [MissingComponent] { container.missing }

        let container: LocalMachine
        let inputs: BuildInputs?
        let formats: [ImageFormat]

        init(_ container: LocalMachine, inputs: BuildInputs?, formats: [ImageFormat]) {
            self.container = container
            self.inputs = inputs
            self.formats = formats
        }
    }

    /// A sealed system and the formats to write of it.
    package struct Image: Sendable {
        enum Disk: Sendable {
            /// The raw disk of a stopped machine, and the hash of its inputs; `nil` if it is not the result of them alone.
            case new(RawDisk, inputs: String?)
            /// The disk in a published image.
            case published(Addition)
        }

        let disk: Disk
        let formats: [ImageFormat]

        init(_ disk: Disk, formats: [ImageFormat]) {
            self.disk = disk
            self.formats = formats
        }
    }
}
