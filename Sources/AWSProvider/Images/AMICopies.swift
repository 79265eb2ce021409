import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Copies an AMI into other regions, all at the same time.
package struct AMICopies: Sendable {
    /// What became of it in one region.
    package struct Copy: Sendable {
        package var region: String
        package var imageID: String?
        /// `copied`, `was there` or `failed`; followed by `public` where it is.
        package var state: String
        package var error: (any Error)?
    }

    /// Of the region of the image.
    let client: AWSClient
    let image: EC2.Image
    let isPublic: Bool
    /// Tag by which its asset id is known.
    let tagKey: String
    let pace: Pace
    let now: @Sendable () -> Date

    /// - Throws: `Failure` where there is no such image, or it is not available.
    package init(
        _ client: AWSClient, _ id: String, isPublic: Bool, names: SandboxDefinition.Names,
        pace: Pace = Pace(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws {
        guard let image = try await OwnImages(client).image(id), image.state == "available" else {
            throw Failure(.badData, "the AMI \(id) in \(client.region) is not available, and cannot be copied")
        }
        self.client = client
        self.image = image
        self.isPublic = isPublic
        self.pace = pace.lasting(.seconds(6 * 3600))
        tagKey = names.tagKey
        self.now = now
    }

    /// - Throws: `Failure` for regions that the account cannot use, before anything is copied.
    package func check(_ regions: [String]) async throws {
        if regions.contains(client.region) {
            throw Failure(.usage, "the AMI \(image.imageId) is in \(client.region) already")
        }
        var list = EC2.DescribeRegions()
        list.allRegions = true
        let known = try await client.call(list).regions
        for name in regions {
            guard let region = known.first(where: { $0.regionName == name }) else {
                throw Failure(
                    .usage, "there is no region '\(name)'",
                    details: [known.map(\.regionName).sorted().joined(separator: ", ")])
            }
            guard region.optInStatus != "not-opted-in" else {
                throw Failure(
                    .noPermission, "the account has not enabled the region \(name)",
                    advice: "aws account enable-region --region-name \(name), which takes minutes to hours")
            }
        }
    }

    /// A region that fails does not stop the others.
    /// - Throws: where the task was cancelled alone; what was not finished then is removed.
    package func run(to regions: [String], events: @escaping EventSink) async throws -> [Copy] {
        let meter = CopyMeter(regions, events)
        let copies = await withTaskGroup(of: Copy.self) { group in
            for region in regions { group.addTask { await attempt(region, meter, events) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        if Task.isCancelled {
            let leftovers = copies.flatMap { ($0.error as? LeftBehind)?.leftovers ?? [] }
            throw leftovers.isEmpty ? CancellationError() : LeftBehind(cause: CancellationError(), leftovers: leftovers)
        }
        return regions.compactMap { region in copies.first { $0.region == region } }
    }

    private func attempt(_ region: String, _ meter: CopyMeter, _ events: @escaping EventSink) async -> Copy {
        do {
            return try await activity("copy to \(region)", events) {
                let copy = RegionCopy(copies: self, client: client.region(region))
                var result = try await undoingOnFailure { undo in
                    try await copy.run(undo: undo) { meter.update(region, $0) }
                }
                if isPublic, let id = result.imageID {
                    try await copy.publish(id)
                    result.state += ", public"
                }
                meter.update(region, 1)
                return result
            }
        } catch {
            return Copy(region: region, imageID: nil, state: "failed", error: error)
        }
    }
}
