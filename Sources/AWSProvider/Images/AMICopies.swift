import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// Copies an AMI to other regions. A failure in one region does not stop the others.
/// - Throws: `Failure` before anything is copied if the AMI or a region cannot be used.
package func copyAMI(
    _ image: ImageReference, from client: AWSClient, to regions: [String], isPublic: Bool,
    names: SandboxDefinition.Names, polling: PollingPolicy, events: @escaping EventSink, clock: any Clock<Duration>
) async throws -> [AMICopies.Copy] {
    let id = try await image.find(in: client, names: names).id
    let copies = try await AMICopies(client, id, isPublic: isPublic, names: names, polling: polling)
    try await copies.check(regions)
    return try await StageLog(events: events, clock: clock).run(.export) {
        (try await copies.run(to: regions, events: events), .done)
    }
}

/// Copies an AMI to other regions concurrently.
package struct AMICopies: Sendable {
    /// The result in one region.
    package struct Copy: Sendable {
        package var region: String
        package var imageID: String?
        /// `copied`, `was there` or `failed`; followed by `, public` if the copy was made public.
        package var state: String
        package var error: (any Error)?
    }

    /// The client of the image's region.
    let client: AWSClient
    let image: EC2.Image
    let isPublic: Bool
    /// Key of the tag with the asset id.
    let tagKey: String
    let polling: PollingPolicy
    let now: @Sendable () -> Date

    /// - Throws: `Failure` if the image does not exist or is not available.
    package init(
        _ client: AWSClient, _ id: String, isPublic: Bool, names: SandboxDefinition.Names,
        polling: PollingPolicy = PollingPolicy(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws {
        guard let image = try await OwnImages(client).image(id), image.state == "available" else {
            throw Failure(.badData, "AMI \(id) in \(client.region) is not available and cannot be copied")
        }
        self.client = client
        self.image = image
        self.isPublic = isPublic
        self.polling = polling.lasting(.seconds(6 * 3600))
        tagKey = names.tagKey
        self.now = now
    }

    /// Checks the regions before anything is copied.
    /// - Throws: `Failure` for a region that the account cannot use.
    package func check(_ regions: [String]) async throws {
        if regions.contains(client.region) {
            throw Failure(.usage, "AMI \(image.imageId) is already in \(client.region)")
        }
        var list = EC2.DescribeRegions()
        list.allRegions = true
        let known = try await client.call(list).regions
        for name in regions {
            guard let region = known.first(where: { $0.regionName == name }) else {
                throw Failure(
                    .usage, "region '\(name)' does not exist",
                    details: [known.map(\.regionName).sorted().joined(separator: ", ")])
            }
            guard region.optInStatus != "not-opted-in" else {
                throw Failure(
                    .noPermission, "region \(name) is not enabled for this account",
                    advice: "to enable it (takes minutes to hours): aws account enable-region --region-name \(name)")
            }
        }
    }

    /// Copies the image to all regions. A failure in one region does not stop the others.
    /// - Throws: only if the task is cancelled; unfinished copies are removed then.
    package func run(to regions: [String], events: @escaping EventSink) async throws -> [Copy] {
        let meter = CopyProgress(regions, events)
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

    private func attempt(_ region: String, _ meter: CopyProgress, _ events: @escaping EventSink) async -> Copy {
        do {
            return try await activity("copy to \(region)", events) {
                let copy = RegionCopy(copies: self, client: client.region(region))
                var result = try await Scope.run(keepsOnSuccess: true, events: events) { scope in
                    try await copy.run(in: scope) { meter.update(region, $0) }
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

/// The copy of an AMI in one region.
struct RegionCopy: Sendable {
    let copies: AMICopies
    /// The client of the target region.
    let client: AWSClient

    private var source: EC2.Image { copies.image }
    private var name: String { source.name ?? source.imageId }
    private var images: OwnImages { OwnImages(client, polling: copies.polling) }

    func run(in scope: Scope, tell: @escaping @Sendable (Double) -> Void) async throws -> AMICopies.Copy {
        if copies.isPublic { try await AMIVisibility(client).checkRoom() }
        let there = try await earlier()
        if there?.state != "available" { await register(scope.undo) }
        let id: String
        if let there { id = there.imageId } else { id = try await client.call(order).imageId }
        let image = try await images.waitUntilAvailable(id, of: "copy", tell: tell)
        try await deprecate(image)
        return AMICopies.Copy(
            region: client.region, imageID: id, state: there?.state == "available" ? "was there" : "copied")
    }

    func publish(_ id: String) async throws {
        let publicity = AMIVisibility(client)
        let state = try await publicity.state(of: id)
        guard !state.isAll(public: true) else { return }
        try await publicity.check(id)
        try await publicity.makePublic(state)
    }

    /// Finds the copy of an earlier run.
    /// - Throws: `Failure` if the name is taken by another image.
    private func earlier() async throws -> EC2.Image? {
        guard let image = try await images.named(name) else { return nil }
        let isOurs = !source.ownTags.isEmpty && Set(source.ownTags).isSubset(of: image.tags)
        let isOfThis = image.sourceImageId == nil || image.sourceImageId == source.imageId
        guard isOurs, isOfThis else {
            throw Failure(
                .badData,
                "AMI name '\(name)' is taken in \(client.region) by \(image.imageId), which is not a copy of "
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

    /// Registers the removal of an unfinished copy; an available copy is kept.
    private func register(_ undo: Undo) async {
        let id = shellQuoted(source.value(ofTag: copies.tagKey) ?? "*")
        let remedy = "dss delete-aws-assets --region \(client.region) --asset-id \(id)"
        await undo.register("copy '\(name)' in \(client.region)", remedy: remedy) {
            guard let image = try await images.named(name), image.state != "available",
                Set(source.ownTags).isSubset(of: image.tags)
            else { return }
            try await images.remove(image)
        }
    }

    /// Gives the copy the deprecation date of the source image.
    private func deprecate(_ image: EC2.Image) async throws {
        guard let text = source.deprecationTime, image.deprecationTime == nil,
            let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
            date > copies.now()
        else { return }
        _ = try await client.call(EC2.EnableImageDeprecation(imageId: image.imageId, deprecateAt: date))
    }
}

extension EC2.Image {
    /// The tags without those that AWS itself sets.
    var ownTags: [EC2.Tag] { tags.filter { !$0.key.hasPrefix("aws:") } }
}

/// Progress of the copies: one line for all regions.
final class CopyProgress: Sendable {
    private let regions: [String]
    private let events: EventSink
    private let shares: Mutex<[String: Double]> = Mutex([:])

    init(_ regions: [String], _ events: @escaping EventSink) {
        self.regions = regions
        self.events = events
    }

    /// - Parameter share: completed fraction, from 0 to 1.
    func update(_ region: String, _ share: Double) {
        let progress = shares.withLock { shares in
            shares[region] = max(share, shares[region] ?? 0)
            return Self.progress(regions, shares)
        }
        events(.progress(.export, progress))
    }

    /// Progress in the form `us-east-1 42 % · us-west-2 done`, with the total percentage.
    static func progress(_ regions: [String], _ shares: [String: Double]) -> Progress {
        let words = regions.map { region in
            let share = shares[region] ?? 0
            return "\(region) " + (share >= 1 ? "done" : "\(Int(share * 100)) %")
        }
        let all = regions.reduce(0) { $0 + (shares[$1] ?? 0) } / Double(max(regions.count, 1))
        return Progress(words.joined(separator: " · "), completed: (all * 100).rounded(), total: 100, unit: .percent)
    }
}

/// A service quota of the account in a region.
struct AccountQuota: Sendable {
    var serviceCode: String
    var code: String
    var name: String

    // Source: output of `aws service-quotas list-service-quotas --service-code ec2`.
    static let images = AccountQuota(serviceCode: "ec2", code: "L-B665C33B", name: "AMIs")
    static let publicImages = AccountQuota(serviceCode: "ec2", code: "L-0E3CBAB9", name: "Public AMIs")

    /// - Throws: `Failure` if the quota is exhausted. Without permission to read quotas the check passes, and AWS
    ///   reports the problem later.
    func check(used: Int, _ client: AWSClient) async throws {
        guard let quota = try await value(client), used >= quota else { return }
        throw Failure(
            .temporary, "quota '\(name)' is exhausted in \(client.region): \(used) of \(quota)",
            advice: raising(to: quota * 2, in: client.region))
    }

    func raising(to value: Int, in region: String) -> String {
        "raise it with: aws service-quotas request-service-quota-increase --service-code \(serviceCode) "
            + "--quota-code \(code) --region \(region) --desired-value \(value)"
    }

    /// - Returns: `nil` if the identity may not read the quota, or AWS does not have it.
    func value(_ client: AWSClient) async throws -> Int? {
        do {
            let quota = try await client.call(ServiceQuotas.GetServiceQuota(serviceCode: serviceCode, quotaCode: code))
            return Int(quota.quota.value)
        } catch let error as AWSError where error.kind == .denied || error.code == "NoSuchResourceException" {
            return nil
        }
    }
}
