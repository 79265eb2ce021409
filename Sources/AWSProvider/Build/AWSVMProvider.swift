import AWSCore
import Sandbox

/// Builds on AWS: the build machine is an EC2 instance in its own stack, and an AMI of it is exported to the bucket.
///
/// All state is in AWS: a run finds the results of earlier runs by their tags and names, and continues from them.
package struct AWSVMProvider: VMProvider {
    package let name = "aws"

    private let workspace: AWSWorkspace
    private let machines: Machines
    private let export: AWSExport
    private let settings: AWSBuildSettings

    package init(_ workspace: AWSWorkspace, machines: Machines, export: AWSExport, settings: AWSBuildSettings) {
        self.workspace = workspace
        self.machines = machines
        self.export = export
        self.settings = settings
    }

    /// A build is not finished as long as the machine of an earlier run exists, or the report, which is written last,
    /// is missing.
    package func finished(_ order: BuildOrder) async throws -> FinishedBuild? {
        guard var finished = try await export.finished(order, inputs: inputs) else { return nil }
        if settings.removesMachine, try await machines.hasLeftovers() { return nil }
        // Nothing on AWS tells whether the given password is the one that was set.
        if case .given = order.password {
            finished.note =
                "the images have the default password that was set when they were built, which the given one does not "
                + "change; to build them anew with it, add --new-password"
        }
        return try await export.folder.hasReport() ? finished : nil
    }

    /// The digest of the inputs, as recorded with images.
    private var inputs: String { settings.inputs ?? "export-vm" }

    /// An AMI of other inputs is never replaced.
    package func requireBuildable(_ order: BuildOrder) async throws {
        try await export.requirePublishable(order)
        if !order.usesEarlierSystem { _ = try await ImageCapture(workspace).existing(of: inputs) }
    }

    package func captured(in build: BuildContext) async throws -> Captured<CapturedImage>? {
        let images = ImageCapture(workspace)
        guard let found = try await images.existing(of: inputs) else { return nil }
        let missing = found.facts?.missing ?? []
        if build.order.isRelease, !missing.isEmpty { throw incomplete(found, missing) }
        build.scope.notice(
            "going on with AMI \(found.id) of an earlier run; it has the default password that was set and shown then; "
                + "if nobody knows it, build anew with --new-password")
        if settings.removesMachine { try await machines.sweep(in: build.scope) }
        try await preflight(build, machine: nil)
        return Captured(try await images.finish(found, in: build.scope), missing: missing)
    }

    package func setUp(_ build: BuildContext) async throws -> AWSMachine {
        if !build.order.usesEarlierSystem, let found = try await ImageCapture(workspace).existing(of: inputs) {
            build.scope.notice(
                "replacing AMI \(found.id) as soon as the new machine is sealed and stopped, "
                    + "because no two AMIs can have the same name")
        }
        guard let ordered = settings.machine else {
            try await preflight(build, machine: nil)
            return try await machines.found(in: build.scope)
        }
        var machine = try await ordered(build.definition)
        machine.inputs = inputs
        machine.reuse = build.order.reuse
        try await preflight(build, machine: machine)
        return try await machines.launch(machine, in: build.scope)
    }

    package func hintsOnKept(_ machine: AWSMachine, of order: BuildOrder) -> [String] { machines.hints(machine) }

    /// Returns the machine unchanged: the states between steps are not cached on AWS.
    package func keep(
        _ machine: AWSMachine, after step: PlaybookStep, _ installed: InstalledStep, in build: BuildContext
    ) async throws -> AWSMachine {
        if !installed.reads.isEmpty {
            build.scope.notice(
                "the playbook uses files outside of its folder; builds on AWS do not notice when they change: "
                    + installed.reads.keys.sorted().joined(separator: ", "))
        }
        return machine
    }

    package func capture(
        _ machine: AWSMachine, missing: [MissingComponent], in build: BuildContext
    ) async throws -> CapturedImage {
        let (definition, undo) = (build.definition, build.scope.undo)
        let facts = ImageFacts(
            inputs: inputs, missing: missing, user: definition.user.name,
            jupyterPort: definition.ports.jupyter)
        await undo.replaceHints(machines.hints(machine.sealed))
        try await machines.markSealed(machine, missing: missing)
        try await machines.stop(machine, events: build.scope.events)
        let image = try await ImageCapture(workspace).capture(
            instanceID: machine.instanceID, facts: facts,
            description: "\(definition.name) \(definition.version): log in as \(definition.user.name), "
                + "JupyterLab on port \(definition.ports.jupyter)",
            replacesSame: !build.order.usesEarlierSystem, in: build.scope)
        // The machine is removed during the export, which needs only the image.
        if settings.removesMachine {
            await undo.replaceHints([
                "the machine is not kept, since AMI \(image.id) is there: run the same command again to go on from it"
            ])
            await machines.beginRemoval(in: build.scope)
        }
        return image
    }

    package func export(
        _ image: CapturedImage, missing: [MissingComponent], in build: BuildContext
    ) async throws -> [Artifact] {
        try await export.export(image, method: settings.method, missing: missing, inputs: inputs, in: build)
    }

    package func machineImage(_ image: CapturedImage) -> MachineImage? {
        MachineImage(id: image.id, name: image.name, region: workspace.region)
    }

    /// - Parameter machine: the machine to launch; `nil` if none is launched.
    private func preflight(_ build: BuildContext, machine: MachineOrder?) async throws {
        let formats = build.definition.formats
        let choice = try ExportMethod.choose(settings.method, formats: formats, at: settings.place)
        var preflight = Preflight(
            workspace, build.definition, source: machine?.source, bucket: export.store.bucket, method: choice.method,
            formats: formats)
        preflight.credentials = settings.credentials
        preflight.makesKeyPair = machine?.key == .new
        try await preflight.run(build.scope.events)
    }

    private func incomplete(_ found: FoundImage, _ missing: [MissingComponent]) -> Failure {
        Failure(
            .failed, "AMI \(found.id) of an earlier run lacks something, which no release may",
            details: missing.map { "\($0.component): \($0.reason)" },
            advice: "to build anew, remove it first: \(workspace.remedy)")
    }
}

extension BuildOrder {
    /// Which machines of earlier runs may be reused. A sealed machine already has a password, which the run that sealed
    /// it was given or has shown.
    fileprivate var reuse: MachineOrder.Reuse {
        guard usesCache else { return .none }
        if setsNewPassword { return .unsealed }
        return .any
    }
}

/// The settings of a build on AWS that are not in the definition.
package struct AWSBuildSettings: Sendable {
    /// Returns the machine to launch for a definition; called only if one is needed. `nil` to use the machine of an
    /// existing stack.
    package var machine: (@Sendable (SandboxDefinition) async throws -> MachineOrder)?
    /// Whether the machine is removed as soon as its image exists.
    package var removesMachine: Bool
    package var method: ExportMethod
    package var place: ExportPlace
    package var credentials: Preflight.Credentials
    /// Hash of everything that goes into the sandbox except the password; `nil` if it is unknown, because an existing
    /// machine may have been changed in any way.
    package var inputs: String?

    package init(
        machine: (@Sendable (SandboxDefinition) async throws -> MachineOrder)?, removesMachine: Bool = true,
        method: ExportMethod,
        place: ExportPlace, credentials: Preflight.Credentials, inputs: String?
    ) {
        self.machine = machine
        self.removesMachine = removesMachine
        self.method = method
        self.place = place
        self.credentials = credentials
        self.inputs = inputs
    }
}
