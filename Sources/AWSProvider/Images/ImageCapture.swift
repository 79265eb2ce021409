import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Makes an AMI of a stopped machine, or goes on with the one that an earlier run has begun.
package struct ImageCapture: Sendable {
    let site: BuildSite

    package init(_ site: BuildSite) {
        self.site = site
    }

    /// A public image may go on for two years before it is deprecated, and every image may be made public. Half a
    /// minute less, because AWS rounds to the minute.
    /// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html>
    static let lifetime: TimeInterval = 2 * 365 * 86_400 - 30

    /// As soon as the AMI is available it is a product: the undo leaves it then, and another run goes on with it.
    /// - Parameters:
    ///   - instanceID: the machine, stopped, so that its disk is whole and it is not started again.
    ///   - description: up to 255 characters.
    /// - Throws: `Failure` with AWS's reason where the image fails, and where there is one of other inputs already.
    package func capture(
        instanceID: String, facts: ImageFacts, description: String, undo: Undo, events: @escaping EventSink
    ) async throws -> CapturedImage {
        let earlier = try await usable(try await existing(), for: facts)
        if let earlier, earlier.state == .available { return try await finish(earlier, events) }
        let keep = await registerUndo(undo)
        return try await activity("AMI", events) {
            let id = if let earlier { earlier.id } else { try await create(instanceID, facts, description) }
            let image = try await available(id, events)
            keep.decide()
            return try await finish(image, events)
        }
    }

    /// - Returns: what is told when the image has become a product.
    func registerUndo(_ undo: Undo) async -> Keep {
        let keep = Keep()
        await undo.register("AMI \(site.imageName) in \(site.region)", remedy: site.remedy) {
            if !keep.isDecided { try await remove() }
        }
        return keep
    }

    func otherInputs(_ found: FoundImage) -> Failure {
        Failure(
            .failed,
            "there is an AMI \(site.imageName) in \(site.region) already, made of other inputs: \(found.id)",
            advice: "choose another --asset-id, or remove it first: \(site.remedy)")
    }

    /// Waits for an image that is being made, and sees to it that it is all that it should be.
    package func finish(_ found: FoundImage, _ events: @escaping EventSink) async throws -> CapturedImage {
        let found = found.state == .available ? found : try await available(found.id, events)
        guard let image = found.image else {
            throw Failure(
                .failed, "AMI \(found.id) in \(site.region) has no snapshot of its disk", advice: site.remedy)
        }
        try await deprecate(found, events)
        return image
    }

    /// The image of an earlier run where that can be gone on with; one that cannot be is removed.
    private func usable(_ found: FoundImage?, for facts: ImageFacts) async throws -> FoundImage? {
        guard let found else {
            try await removeLeftovers()
            return nil
        }
        let isSame = found.facts?.inputs == facts.inputs
        switch found.state {
        case .available where !isSame: throw otherInputs(found)
        case .available: return found
        case .pending where isSame: return found
        case .pending, .failed:
            try await remove(found)
            return nil
        }
    }

    private func create(_ instanceID: String, _ facts: ImageFacts, _ description: String) async throws -> String {
        let create = EC2.CreateImage(
            instanceId: instanceID, name: site.imageName, description: String(description.prefix(255)),
            tagSpecifications: site.specifications("image", "snapshot", tags: site.tags + facts.tags))
        return try await site.client.call(create).imageId
    }

    private func available(_ id: String, _ events: EventSink) async throws -> FoundImage {
        var wasSeen = false
        return try await site.client.wait(for: "AMI \(id)", at: site.pace.lasting(.seconds(3 * 3600))) {
            guard let found = try await look(id) else {
                guard !wasSeen else {
                    throw Failure(.failed, "AMI \(id) in \(site.region) was removed by somebody else meanwhile")
                }
                return nil
            }
            wasSeen = true
            switch found.state {
            case .available: return found
            case .failed(let reason):
                throw Failure(
                    .failed, "AMI \(id) (\(site.imageName)) in \(site.region) could not be made: \(reason)",
                    advice: "run the same command again: it makes a new one")
            case .pending:
                await tellProgress(of: id, events)
                return nil
            }
        }
    }

    /// AWS tells it of the snapshot alone, and without it things go on as well.
    private func tellProgress(of id: String, _ events: EventSink) async {
        let snapshots = (try? await images.snapshots(of: id, mapped: [])) ?? []
        let percents = snapshots.compactMap { $0.progress.flatMap { Double($0.prefix { $0 != "%" }) } }
        events(
            .progress(.capture, Progress("AMI \(id)", completed: percents.min() ?? 0, total: 100, unit: .percent)))
    }

    /// - Note: The image is whole without it, so that it is no reason to fail.
    private func deprecate(_ found: FoundImage, _ events: EventSink) async throws {
        guard !found.isDeprecated else { return }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let created = found.created.flatMap { try? Date($0, strategy: style) } ?? site.now()
        do {
            _ = try await site.client.call(
                EC2.EnableImageDeprecation(
                    imageId: found.id, deprecateAt: created.addingTimeInterval(Self.lifetime)))
        } catch let error as AWSError {
            events(.warning("AMI \(found.id) has no date from which it is deprecated: \(error)"))
        }
    }
}

extension Pace {
    /// The same pace for something that may take longer.
    func lasting(_ limit: Duration) -> Pace {
        var pace = self
        pace.limit = max(pace.limit, limit)
        return pace
    }
}

/// Removing an image that is of no use.
extension ImageCapture {
    /// Removes the image of the asset id, if there is one, and what is left of ones that are gone; waits until that is
    /// true.
    func remove() async throws {
        if let found = try await existing() { try await remove(found) }
        try await removeLeftovers()
    }

    func remove(_ found: FoundImage) async throws {
        try await images.remove(found.id, mapped: found.snapshots)
    }

    /// Deletes snapshots that CreateImage has made for images of the asset id that are not there any more.
    func removeLeftovers() async throws {
        let snapshots = try await images.snapshots([site.tagFilter]).filter(\.isMadeByCreateImage)
        guard !snapshots.isEmpty else { return }
        let used = Set(try await images.all([site.tagFilter]).flatMap(\.snapshotIDs))
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

/// The image of an earlier run, for a run that needs no machine any more.
extension ImageCapture {
    /// The AMI of the asset id that an earlier run has made, or is having made, of the same inputs.
    /// - Throws: `Failure` where there is one that is whole and made of other inputs.
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

    /// Waits for it where it is not whole yet; a run that ends before that removes it, as the one that began it would.
    package func finish(
        _ found: FoundImage, undo: Undo, events: @escaping EventSink
    ) async throws -> CapturedImage {
        guard found.state == .pending else { return try await finish(found, events) }
        let keep = await registerUndo(undo)
        return try await activity("AMI", events) {
            let image = try await finish(found, events)
            keep.decide()
            return image
        }
    }
}

/// An AMI of an asset id, finished or not.
package struct FoundImage: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case pending
        case available
        /// With AWS's reason.
        case failed(String)
    }

    package var id: String
    package var state: State
    /// What its tags say; `nil` where something else than this program has made it.
    package var facts: ImageFacts?
    /// In the form `2026-01-31T12:00:00.000Z`.
    package var created: String?
    package var isDeprecated: Bool
    /// All snapshots that it is known to be made of.
    package var snapshots: [String]
    /// What it is for the export; `nil` as long as its disk is not known.
    package var image: CapturedImage?

    /// - Returns: `nil` where it is not there any more.
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
    /// The AMI of the asset id, by its name and tag; one that an earlier run has begun as well as one that is whole.
    package func existing() async throws -> FoundImage? {
        try await images.all([.init(name: "name", values: [site.imageName]), site.tagFilter])
            .lazy.compactMap { FoundImage($0, named: site.imageName) }.first
    }

    func look(_ id: String) async throws -> FoundImage? {
        try await images.image(id).flatMap { FoundImage($0, named: site.imageName) }
    }

    var images: OwnImages { OwnImages(site.client, pace: site.pace) }
}

/// A sealed sandbox as an AMI of one's own, and the snapshot of its disk.
package struct CapturedImage: Sendable, Equatable {
    package var id: String
    package var name: String
    package var snapshotID: String
    /// GiB of its disk.
    package var volumeGiB: Int

    package init(id: String, name: String, snapshotID: String, volumeGiB: Int) {
        self.id = id
        self.name = name
        self.snapshotID = snapshotID
        self.volumeGiB = volumeGiB
    }
}
