import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// The copy of an AMI in one region.
struct RegionCopy: Sendable {
    let copies: AMICopies
    /// Of that region.
    let client: AWSClient

    private var source: EC2.Image { copies.image }
    private var name: String { source.name ?? source.imageId }
    private var images: OwnImages { OwnImages(client, pace: copies.pace) }

    func run(undo: Undo, tell: @escaping @Sendable (Double) -> Void) async throws -> AMICopies.Copy {
        if copies.isPublic { try await AMIPublicity(client).checkRoom() }
        let there = try await earlier()
        if there?.state != "available" { await register(undo) }
        let id: String
        if let there { id = there.imageId } else { id = try await client.call(order).imageId }
        let image = try await images.waitUntilAvailable(id, of: "the copy", tell: tell)
        try await deprecate(image)
        return AMICopies.Copy(
            region: client.region, imageID: id, state: there?.state == "available" ? "was there" : "copied")
    }

    func publish(_ id: String) async throws {
        let publicity = AMIPublicity(client)
        let state = try await publicity.state(of: id)
        guard !state.isAll(public: true) else { return }
        try await publicity.check(id)
        try await undoingOnFailure { try await publicity.makePublic(state, undo: $0) }
    }

    /// What an earlier run has copied.
    /// - Throws: `Failure` where somebody else's image has the name.
    private func earlier() async throws -> EC2.Image? {
        guard let image = try await images.named(name) else { return nil }
        let isOurs = !source.ownTags.isEmpty && Set(source.ownTags).isSubset(of: image.tags)
        let isOfThis = image.sourceImageId == nil || image.sourceImageId == source.imageId
        guard isOurs, isOfThis else {
            throw Failure(
                .badData,
                "the AMI name '\(name)' is taken in \(client.region) by \(image.imageId), which is no copy of "
                    + source.imageId,
                advice: "remove it with: aws ec2 deregister-image --image-id \(image.imageId) --region \(client.region)"
            )
        }
        guard ["available", "pending"].contains(image.state) else {
            try await images.remove(image)
            return nil
        }
        return image
    }

    private var order: EC2.CopyImage {
        var order = EC2.CopyImage(
            name: name, sourceImageId: source.imageId, sourceRegion: copies.client.region,
            tagSpecifications: source.ownTags.isEmpty
                ? [] : [EC2.TagSpecification(resourceType: "snapshot", tags: source.ownTags)])
        order.copyImageTags = true
        order.description = source.description
        return order
    }

    /// A copy that is not finished is removed; one that is stays.
    private func register(_ undo: Undo) async {
        let remedy =
            "dss delete-aws-assets --region \(client.region) --asset-id "
            + shellQuoted(source.value(ofTag: copies.tagKey) ?? "*")
        await undo.register("the copy '\(name)' in \(client.region)", remedy: remedy) {
            guard let image = try await images.named(name), image.state != "available",
                Set(source.ownTags).isSubset(of: image.tags)
            else { return }
            try await images.remove(image)
        }
    }

    /// On the same day as the one that it is a copy of.
    private func deprecate(_ image: EC2.Image) async throws {
        guard let text = source.deprecationTime, image.deprecationTime == nil,
            let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
            date > copies.now()
        else { return }
        _ = try await client.call(EC2.EnableImageDeprecation(imageId: image.imageId, deprecateAt: date))
    }
}

extension EC2.Image {
    /// Without those that AWS itself sets.
    var ownTags: [EC2.Tag] { tags.filter { !$0.key.hasPrefix("aws:") } }
}
