import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Creates an AMI from a stopped instance, or resumes with the AMI that an earlier run started.
package struct ImageCapture: Sendable {
    let workspace: AWSWorkspace

    package init(_ workspace: AWSWorkspace) {
        self.workspace = workspace
    }

    /// Seconds until the image is deprecated. AWS limits the deprecation date of public images to two years, and every
    /// image may be made public later. Half a minute is subtracted because AWS rounds to the minute.
    /// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html>
    static let lifetime: TimeInterval = 2 * 365 * 86_400 - 30

    /// Creates the AMI. As soon as it is available, it is a result of the build: the undo keeps it, and a later run
    /// resumes from it.
    /// - Parameters:
    ///   - instanceID: the stopped instance. It must be stopped so that its disk is consistent and does not change
    ///     anymore.
    ///   - description: up to 255 characters; the rest is cut off.
    ///   - replacesSame: whether an AMI of the same inputs is removed first, because the machine has another default
    ///     password. One of other inputs never is.
    /// - Throws: `Failure` with AWS's reason if the image fails, or if there already is an image with different inputs.
    package func capture(
        instanceID: String, facts: ImageFacts, description: String, replacesSame: Bool = false, in scope: Scope
    ) async throws -> CapturedImage {
        let earlier = try await usable(try await existing(), for: facts, replacesSame)
        if let earlier, earlier.state == .available { return try await finish(earlier, scope.events) }
        let keep = await registerUndo(scope.undo)
        return try await scope.activity("AMI") {
            let id = if let earlier { earlier.id } else { try await create(instanceID, facts, description) }
            let image = try await available(id, scope.events)
            keep.decide()
            return try await finish(image, scope.events)
        }
    }

    /// Registers the removal of an unfinished image.
    /// - Returns: the switch that keeps the image once it is available.
    func registerUndo(_ undo: Undo) async -> Retention {
        let keep = Retention()
        await undo.register("AMI \(workspace.imageName) in \(workspace.region)", remedy: workspace.remedy) {
            if !keep.isDecided { try await remove() }
        }
        return keep
    }

    func otherInputs(_ found: FoundImage) -> Failure {
        Failure(
            .failed,
            "AMI \(workspace.imageName) already exists in \(workspace.region), built from different inputs: \(found.id)",
            advice: "use another --asset-id, or delete it first: \(workspace.remedy)")
    }

    /// Waits until the image is available, and sets its deprecation date.
    package func finish(_ found: FoundImage, _ events: @escaping EventSink) async throws -> CapturedImage {
        let found = found.state == .available ? found : try await available(found.id, events)
        guard let image = found.image else {
            throw Failure(
                .failed, "AMI \(found.id) in \(workspace.region) has no snapshot of its disk", advice: workspace.remedy)
        }
        try await deprecate(found, events)
        return image
    }

    /// Returns the image of an earlier run if it can be reused; otherwise removes it.
    private func usable(
        _ found: FoundImage?, for facts: ImageFacts, _ replacesSame: Bool
    ) async throws -> FoundImage? {
        guard let found else {
            try await removeLeftovers()
            return nil
        }
        let isSame = found.facts?.inputs == facts.inputs
        switch found.state {
        case .available where !isSame: throw otherInputs(found)
        case .available where !replacesSame: return found
        case .pending where isSame && !replacesSame: return found
        case .available, .pending, .failed:
            try await remove(found)
            return nil
        }
    }

    private func create(_ instanceID: String, _ facts: ImageFacts, _ description: String) async throws -> String {
        let create = EC2.CreateImage(
            instanceId: instanceID, name: workspace.imageName, description: String(description.prefix(255)),
            tagSpecifications: workspace.specifications("image", "snapshot", tags: workspace.tags + facts.tags))
        return try await workspace.client.call(create).imageId
    }

    private func available(_ id: String, _ events: EventSink) async throws -> FoundImage {
        var wasSeen = false
        return try await workspace.client.wait(for: "AMI \(id)", at: workspace.polling.lasting(.seconds(3 * 3600))) {
            guard let found = try await look(id) else {
                guard !wasSeen else {
                    throw Failure(.failed, "AMI \(id) in \(workspace.region) was deleted by someone else")
                }
                return nil
            }
            wasSeen = true
            switch found.state {
            case .available: return found
            case .failed(let reason):
                throw Failure(
                    .failed,
                    "AMI \(id) (\(workspace.imageName)) in \(workspace.region) could not be created: \(reason)",
                    advice: "run the same command again to create a new one")
            case .pending:
                await tellProgress(of: id, events)
                return nil
            }
        }
    }

    /// Reports the progress of the snapshot, because AWS has none for the image. Errors are ignored: the progress is
    /// not essential.
    private func tellProgress(of id: String, _ events: EventSink) async {
        let snapshots = (try? await images.snapshots(of: id, mapped: [])) ?? []
        let percents = snapshots.compactMap { $0.progress.flatMap { Double($0.prefix { $0 != "%" }) } }
        events(
            .progress(.capture, Progress("AMI \(id)", completed: percents.min() ?? 0, total: 100, unit: .percent)))
    }

    /// Sets the deprecation date. The image is usable without one, so a failure is only a warning.
    private func deprecate(_ found: FoundImage, _ events: EventSink) async throws {
        guard !found.isDeprecated else { return }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let created = found.created.flatMap { try? Date($0, strategy: style) } ?? workspace.now()
        do {
            _ = try await workspace.client.call(
                EC2.EnableImageDeprecation(
                    imageId: found.id, deprecateAt: created.addingTimeInterval(Self.lifetime)))
        } catch let error as AWSError {
            events(.warning("could not set the deprecation date of AMI \(found.id): \(error)"))
        }
    }
}

extension PollingPolicy {
    /// A copy of this pace with a limit of at least `limit`.
    func lasting(_ limit: Duration) -> PollingPolicy {
        var polling = self
        polling.limit = max(polling.limit, limit)
        return polling
    }
}

/// Removing images that cannot be used.
extension ImageCapture {
    /// Removes the image of the asset id, if there is one, and leftover snapshots of former images, and waits until
    /// they are gone.
    func remove() async throws {
        if let found = try await existing() { try await remove(found) }
        try await removeLeftovers()
    }

    func remove(_ found: FoundImage) async throws {
        try await images.remove(found.id, mapped: found.snapshots)
    }

    /// Deletes snapshots that CreateImage created for images of the asset id that no longer exist.
    func removeLeftovers() async throws {
        let snapshots = try await images.snapshots([workspace.tagFilter]).filter(\.isMadeByCreateImage)
        guard !snapshots.isEmpty else { return }
        let used = Set(try await images.all([workspace.tagFilter]).flatMap(\.snapshotIDs))
        for snapshot in snapshots where !used.contains(snapshot.snapshotId) {
            try await images.remove(snapshot: snapshot.snapshotId)
        }
    }
}

extension EC2.Snapshot {
    fileprivate var isMadeByCreateImage: Bool {
        description?.contains("CreateImage(") == true && isMade(for: "ami-")
    }
}

/// Resuming with the image of an earlier run, which makes an instance unnecessary.
extension ImageCapture {
    /// Returns the AMI of the asset id, available or pending, that an earlier run created from the same inputs.
    /// - Throws: `Failure` if there is an available AMI that was built from different inputs.
    package func existing(of inputs: String) async throws -> FoundImage? {
        guard let found = try await existing() else { return nil }
        let isSame = found.facts?.inputs == inputs
        switch found.state {
        case .available where !isSame: throw otherInputs(found)
        case .available: return found
        case .pending: return isSame ? found : nil
        case .failed: return nil
        }
    }

    /// Waits until a pending image is available. If this run fails before that, it removes the image, as the run that
    /// started it would have.
    package func finish(_ found: FoundImage, in scope: Scope) async throws -> CapturedImage {
        guard found.state == .pending else { return try await finish(found, scope.events) }
        let keep = await registerUndo(scope.undo)
        return try await scope.activity("AMI") {
            let image = try await finish(found, scope.events)
            keep.decide()
            return image
        }
    }
}

/// An AMI of an asset id, in any state.
package struct FoundImage: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case pending
        case available
        /// Failed, with AWS's reason.
        case failed(String)
    }

    package var id: String
    package var state: State
    /// The facts in its tags; `nil` if this program did not create the image.
    package var facts: ImageFacts?
    /// Creation date in the form `2026-01-31T12:00:00.000Z`.
    package var created: String?
    package var isDeprecated: Bool
    /// Ids of the snapshots in its block device mappings.
    package var snapshots: [String]
    /// The image for the export; `nil` until its disk is known.
    package var image: CapturedImage?

    /// - Returns: `nil` if the image no longer exists, for example because it is deregistered.
    init?(_ image: EC2.Image, named name: String) {
        switch image.state {
        case "pending", "transient": state = .pending
        case "available", "disabled": state = .available
        case "failed", "error", "invalid":
            state = .failed(image.stateReason?.message ?? image.stateReason?.code ?? "AWS gives no reason")
        default: return nil
        }
        id = image.imageId
        facts = ImageFacts(image.tags)
        created = image.creationDate
        isDeprecated = image.deprecationTime != nil
        snapshots = image.snapshotIDs
        if let disk = image.rootDisk, let snapshot = disk.snapshotId {
            self.image = CapturedImage(
                id: image.imageId, name: name, snapshotID: snapshot, volumeGiB: disk.volumeSize ?? 0)
        }
    }
}

extension ImageCapture {
    /// Finds the AMI of the asset id by its name and tag, whether it is pending or available.
    package func existing() async throws -> FoundImage? {
        try await images.all([.init(name: "name", values: [workspace.imageName]), workspace.tagFilter])
            .lazy.compactMap { FoundImage($0, named: workspace.imageName) }.first
    }

    func look(_ id: String) async throws -> FoundImage? {
        try await images.image(id).flatMap { FoundImage($0, named: workspace.imageName) }
    }

    var images: OwnImages { OwnImages(workspace.client, polling: workspace.polling) }
}

/// An AMI of a sealed sandbox in the user's account, and the snapshot of its disk.
package struct CapturedImage: Sendable, Equatable {
    package var id: String
    package var name: String
    package var snapshotID: String
    /// Size of the disk in GiB.
    package var volumeGiB: Int

    package init(id: String, name: String, snapshotID: String, volumeGiB: Int) {
        self.id = id
        self.name = name
        self.snapshotID = snapshotID
        self.volumeGiB = volumeGiB
    }
}
