import FoundationEssentials
import Provisioning
import Sandbox
import Workbench

/// Builds the Docker edition: setup → install → export → clean up, without a Docker daemon.
///
/// The file trees of the playbook's steps become the layers of the image. Files that no image may contain are left out
/// when the layers are written, so there is nothing to seal.
package func createDockerImage(
    _ order: DockerOrder, in folder: AssetFolder<DirectoryStore>, on factory: LocalMachineFactory,
    with provisioner: some Provisioner, events: @escaping EventSink, clock: any Clock<Duration> = ContinuousClock()
) async throws -> DockerReport {
    try order.build.definition.requireEntryPoint()
    let timeline = Timeline(Stopwatch(clock))
    let events = timeline.observing(events)
    events(.buildStarted(assetID: order.build.assetID, provider: "docker"))
    let log = StageLog(events: events, clock: clock)
    if order.build.usesCache, let container = try await folder.finished(order) {
        return DockerReport(container: container, layout: folder.layout.directory)
    }
    try await factory.requireBuildable(order, in: folder)
    let keeps = order.build.keepsMachineOnFailure
    let container = try await Scope.run(keepsOnFailure: keeps, log: log, events: events) { scope in
        try await ImageBuilder(order: order, factory: factory, provisioner: provisioner, scope: scope, log: log)
            .build(in: folder)
    }
    return DockerReport(
        container: container, layout: folder.layout.directory, stages: await log.times, activities: timeline.activities)
}

extension LocalMachineFactory {
    /// What `createDockerImage` would do, without doing it.
    package func plan(_ order: DockerOrder, in folder: AssetFolder<DirectoryStore>) async throws -> BuildPlan {
        let isFinished = if order.build.usesCache { try await folder.finished(order) != nil } else { false }
        var plan = plan(
            order.plan, steps: order.build.definition.playbook.steps, then: [.export],
            upToDate: isFinished ? Set(Stage.allCases) : [])
        if plan.isFinished { return plan }
        do { try await requireBuildable(order, in: folder) } catch let failure as Failure { plan.obstacle = failure }
        return plan
    }

    /// Refuses an order for a reason that is known without a machine, before any stage begins.
    func requireBuildable(_ order: DockerOrder, in folder: AssetFolder<DirectoryStore>) async throws {
        try folder.requireFolder()
        try await folder.requireSameSandbox(as: order.build)
        try requireBuildable(order.plan, resumes: false)
    }
}

/// A complete order for one Docker image.
package struct DockerOrder: Sendable {
    package var build: BuildOrder
    package var repository: ImageRepository
    package var version: String
    package var compression: LayerCompression
    package var buildInputs: BuildInputs
    /// Commit of the definition, for the label; `nil` if the definition is not under version control.
    package var revision: String?
    /// Creation time of the image, in seconds since 1970; the files in the image have a different time.
    package var created: Int
    /// Hash of this program: a newer `dss` may write a different image from the same inputs.
    package var programDigest: String

    package init(
        _ build: BuildOrder, repository: ImageRepository, version: String, compression: LayerCompression,
        inputs: BuildInputs, revision: String?, created: Int?, programDigest: String
    ) throws {
        try ImageRepository.check(tag: version)
        self.build = build
        self.repository = repository
        self.version = version
        self.compression = compression
        buildInputs = inputs
        self.revision = revision
        self.created = created ?? Reproducible.time
        self.programDigest = programDigest
    }

    package var reference: String { repository.reference(version) }

    /// The manifest of an asset id whose only image is the Docker image.
    package var containerManifest: Manifest {
        Manifest(build, built: Date(timeIntervalSince1970: Double(created)))
    }

    var plan: MachinePlan {
        MachinePlan(build, buildInputs)
    }

    /// Names of the layers by their contents, the base first.
    var layerNames: [String] {
        let base = build.definition.base
        return ["\(base.distribution.rawValue) \(base.suite)"]
            + build.definition.playbook.steps.map { "roles \($0.roles.joined(separator: ", "))" }
    }

    /// Hash of everything that determines the image.
    var inputs: String {
        let facts = [
            "compression": compression.rawValue, "created": "\(created)", "release": "\(build.isRelease)",
            "reference": reference,
        ]
        return buildInputs.containerDigest(of: build.definition, facts.merging(labels) { $1 }, program: programDigest)
    }
}

/// The Docker image of an asset id, published in the manifest next to its VM images.
extension AssetFolder where Store == DirectoryStore {
    /// The image that an order would build, if it already exists and is intact.
    func finished(_ order: DockerOrder) async throws -> Manifest.Container? {
        guard let container = try await manifest()?.container, container.inputs == order.inputs,
            container.missing.isEmpty || !order.build.isRelease,
            (try? layout.manifestDigest()) == container.digest, await layout.isWhole()
        else { return nil }
        return container
    }

    /// Withdraws the old image from the manifest, moves the new layout into place, and adds the new image to the
    /// manifest.
    func publish(_ container: Manifest.Container, of order: DockerOrder) async throws {
        try await withdrawContainer()
        try store.delete([key(Manifest.Container.layoutName)])
        try store.rename(
            key(Manifest.Container.unfinishedLayoutName), to: key(Manifest.Container.layoutName))
        try await note(container, of: order)
    }

    /// Updates the manifest entry of the image, for example once the image has been pushed.
    func note(_ container: Manifest.Container, of order: DockerOrder) async throws {
        try await publish(container: container, orElse: order.containerManifest)
    }
}

/// The result of building a Docker image.
package struct DockerReport: Sendable {
    package var container: Manifest.Container
    /// The directory of the OCI image layout.
    package var layout: String
    package var stages: [BuildReport.StageTime]
    package var activities: [Activity]

    init(
        container: Manifest.Container, layout: String, stages: [BuildReport.StageTime] = [], activities: [Activity] = []
    ) {
        self.container = container
        self.layout = layout
        self.stages = stages
        self.activities = activities
    }

    /// Whether the image was up to date.
    package var isUnchanged: Bool { stages.isEmpty }
}

extension SandboxDefinition {
    /// The same sandbox with its playbook split into the layers of a container image. Roles that rarely change come
    /// first, so that an update of an older image pulls little, and a changed notebook or setting affects only the last
    /// layer.
    package var cutIntoLayers: SandboxDefinition {
        var definition = self
        let groups = [
            ["base", "docker"], ["poetry", "jupyter", "exaslct"], ["datascience"], ["exasol"], [],
            ["jupyter_settings", "notebooks", "container"],
        ]
        let named = Set(groups.joined())
        // Roles unknown to this program come after the packages, in the order of the playbook.
        let layers = groups.map { group in
            playbook.roles.filter { group.isEmpty ? !named.contains($0) : group.contains($0) }
        }.filter { !$0.isEmpty }
        definition.playbook.roles = Array(layers.joined())
        definition.playbook.checkpoints = layers.compactMap(\.last)
        return definition
    }

    /// Checks that the playbook has the role that installs the entry point: without it, a container has nothing to
    /// start.
    func requireEntryPoint() throws {
        guard playbook.roles.contains("container") else {
            throw Failure(
                .badData, "the playbook \(playbook.file) has no role 'container', which installs the entry point",
                advice: "add it to the list of roles, see playbook/README.md")
        }
    }
}
