import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// A reference to an AMI, by its id or by its asset id.
package enum ImageReference: Sendable, Equatable {
    case id(String)
    case asset(AssetID)

    /// Finds an AMI of this account to change or to copy.
    /// - Throws: `Failure` if there is none, more than one, or one that lacks our tag: a name proves nothing.
    package func find(in client: AWSClient, names: SandboxDefinition.Names) async throws -> CapturedImage {
        let image = try await find(client, names)
        guard image.value(ofTag: names.tagKey) != nil else {
            throw Self.isForeign(image, in: client.region, names, assetID)
        }
        return CapturedImage(
            id: image.imageId, name: image.name ?? "",
            snapshotID: image.rootDisk?.snapshotId ?? image.snapshotIDs.first ?? "",
            volumeGiB: image.rootDisk?.volumeSize ?? 0)
    }

    /// Finds an AMI to start instances from. By id, it can belong to any account.
    /// - Throws: `Failure` if there is none, if there is more than one, or if no instance can be started from it.
    package func startable(in client: AWSClient, names: SandboxDefinition.Names) async throws -> StartableImage {
        let image =
            switch self {
            case .id(let id): try await AWSWorkspace.image(id, in: client)
            case .asset: try await find(client, names)
            }
        let owner = AssetRules(names: names, AssetPattern("*")).owner(image.tags, amiName: image.name)
        return StartableImage(
            source: try image.source(for: nil), facts: ImageFacts(image.tags), assetID: owner ?? image.imageId)
    }

    private var assetID: AssetID? { if case .asset(let id) = self { id } else { nil } }

    private static func isForeign(
        _ image: EC2.Image, in region: String, _ names: SandboxDefinition.Names, _ assetID: AssetID?
    ) -> Failure {
        let tag = shellQuoted("Key=\(names.tagKey),Value=\(assetID?.rawValue ?? "ASSET-ID")")
        return Failure(
            .badData,
            "AMI \(image.imageId) (\(image.name ?? "without a name")) in \(region) lacks the tag '\(names.tagKey)', so dss "
                + "did not create it",
            advice: "if it is yours, adopt it with: aws ec2 create-tags --resources \(image.imageId) --tags \(tag) "
                + "--region \(region)")
    }

    private func find(_ client: AWSClient, _ names: SandboxDefinition.Names) async throws -> EC2.Image {
        let images = OwnImages(client)
        switch self {
        case .id(let id): return try await images.required(id)
        case .asset(let id):
            let found = try await images.images(of: id, names)
            if let image = found.first, found.count == 1 { return image }
            throw Failure(
                .badData,
                found.isEmpty
                    ? "asset id \(id) has no AMI in \(client.region)"
                    : "asset id \(id) has \(found.count) AMIs in \(client.region)",
                details: found.map { "\($0.imageId) \($0.name ?? "") (\($0.state))" },
                advice: found.isEmpty
                    ? "dss show-aws-assets --asset-id '\(id)' --region all" : "specify the AMI by its id")
        }
    }
}

/// An AMI to start instances from for its verification.
package struct StartableImage: Sendable, Equatable {
    package var source: SourceImage
    /// The facts in its tags; `nil` if this program did not create it.
    package var facts: ImageFacts?
    /// The asset id of the AMI, or its AMI id if it has none.
    package var assetID: String

    /// The asset id of a copy. It differs from the asset id of the image, so that removing the copy does not remove the
    /// image.
    package func assetID(ofCopy name: String) throws -> AssetID {
        let ending = "-verify-\(name)"
        if let id = try? AssetID(assetID + ending) { return id }
        return try AssetID(source.id + ending)
    }
}

/// Finds, awaits and removes AMIs that the account owns in one region.
struct OwnImages: Sendable {
    let client: AWSClient
    let polling: PollingPolicy

    init(_ client: AWSClient, polling: PollingPolicy = PollingPolicy()) {
        self.client = client
        self.polling = polling
    }

    func all(_ filters: [EC2.Filter]) async throws -> [EC2.Image] {
        var list = EC2.DescribeImages(owners: ["self"], filters: filters)
        list.maxResults = 1000
        var found: [EC2.Image] = []
        for try await image in client.items(of: list) { found.append(image) }
        return found
    }

    func named(_ name: String) async throws -> EC2.Image? {
        // `*` and `?` are wildcards in a filter, so the result is compared with the exact name.
        try await all([.init(name: "name", values: [name])]).first { $0.name == name }
    }

    func image(_ id: String) async throws -> EC2.Image? {
        try await all([.init(name: "image-id", values: [id])]).first
    }

    /// - Throws: `Failure` if the account has no such image.
    func required(_ id: String) async throws -> EC2.Image {
        guard let image = try await image(id) else {
            throw Failure(
                .badData, "this account has no AMI \(id) in \(client.region)",
                advice: "dss show-aws-assets --asset-type ami --region all")
        }
        return image
    }

    /// Finds the images of an asset id by tag, or by the name pattern of the definition.
    func images(of assetID: AssetID, _ names: SandboxDefinition.Names) async throws -> [EC2.Image] {
        let rules = AssetRules(names: names, AssetPattern(assetID.rawValue))
        async let tagged = all([rules.tagFilter])
        let named = try await all([.init(name: "name", values: [rules.imageNames])])
        let known = Set(try await tagged.map(\.imageId))
        return try await (tagged + named.filter { !known.contains($0.imageId) })
            .filter { rules.owner($0.tags, amiName: $0.name) != nil }
    }

    /// - Parameters:
    ///   - what: a noun for the image in messages.
    ///   - tell: receives the progress of its snapshots, from 0 to 1.
    /// - Throws: `Failure` with AWS's reason if the image fails or is deleted.
    func waitUntilAvailable(
        _ id: String, of what: String, tell: @Sendable (Double) -> Void = { _ in }
    ) async throws -> EC2.Image {
        try await client.wait(for: "\(what) \(id)", at: polling) {
            guard let image = try await image(id) else {
                throw Failure(.failed, "\(what) \(id) in \(client.region) was deleted by someone else")
            }
            switch image.state {
            case "available": return image
            case "pending":
                if let share = try? await share(of: image) { tell(share) }
                return nil
            default:
                let reason = image.stateReason.map { "\($0.code ?? "") \($0.message ?? "")" } ?? "AWS gives no reason"
                throw Failure(.failed, "\(what) \(id) in \(client.region) is in state '\(image.state)': \(reason)")
            }
        }
    }

    private func share(of image: EC2.Image) async throws -> Double? {
        let shares = try await snapshots(of: image).compactMap { snapshot in
            snapshot.progress.flatMap { Double($0.prefix { $0 != "%" }) }
        }
        // Completed snapshots do not mean that the image is available.
        return shares.isEmpty ? nil : min(shares.reduce(0, +) / Double(shares.count) / 100, 0.99)
    }

    func snapshots(of image: EC2.Image) async throws -> [EC2.Snapshot] {
        try await snapshots(of: image.imageId, mapped: image.snapshotIDs)
    }

    /// Finds the snapshots of an image, including pending ones that its block device mappings do not list yet.
    func snapshots(of id: String, mapped ids: [String]) async throws -> [EC2.Snapshot] {
        async let described = snapshots([.init(name: "description", values: ["*\(id)*"])])
        let mapped = ids.isEmpty ? [] : try await snapshots([.init(name: "snapshot-id", values: ids)])
        let known = Set(mapped.map(\.snapshotId))
        return try await mapped + described.filter { !known.contains($0.snapshotId) && $0.isMade(for: id) }
    }

    func snapshots(_ filters: [EC2.Filter]) async throws -> [EC2.Snapshot] {
        var found: [EC2.Snapshot] = []
        for try await snapshot in client.items(of: EC2.DescribeSnapshots(ownerIds: ["self"], filters: filters)) {
            found.append(snapshot)
        }
        return found
    }

    func remove(_ image: EC2.Image) async throws {
        try await remove(image.imageId, mapped: image.snapshotIDs)
    }

    /// Deregisters an image, deletes its snapshots, which AWS does not delete, and waits until both are gone.
    /// - Parameter ids: ids of its known snapshots.
    func remove(_ id: String, mapped ids: [String]) async throws {
        let snapshots = Set(try await snapshots(of: id, mapped: ids).map(\.snapshotId))
        do {
            _ = try await client.call(EC2.DeregisterImage(imageId: id))
        } catch let error as AWSError where ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"].contains(error.code) {
            // It is already gone.
        }
        try await client.wait(for: "the deletion of \(id)", at: polling) {
            let found = try await image(id)
            return found == nil || found?.state == "deregistered" ? () : nil
        }
        for snapshot in snapshots.sorted() { try await remove(snapshot: snapshot) }
    }

    /// Deletes a snapshot and waits until it is gone; it may already be gone. AWS reports it as in use for a moment
    /// after its image is deregistered.
    func remove(snapshot id: String) async throws {
        try await client.wait(for: "the deletion of \(id)", at: polling) { () -> Void? in
            do {
                _ = try await client.call(EC2.DeleteSnapshot(snapshotId: id))
                return nil
            } catch let error as AWSError where error.code == "InvalidSnapshot.InUse" {
                return nil
            } catch let error as AWSError where error.code == "InvalidSnapshot.NotFound" {
                return ()
            }
        }
    }
}

extension EC2.Snapshot {
    /// Whether the snapshot was created for an image, according to its description: `Copied for DestinationAmi ami-1
    /// from SourceAmi ami-2 …`, `Created by CreateImage(i-1) for ami-1`.
    func isMade(for image: String) -> Bool {
        guard let description else { return false }
        return ["DestinationAmi \(image)", "for \(image)"].contains { description.contains($0) }
    }
}

extension EC2.Image {
    var snapshotIDs: [String] { blockDeviceMappings.compactMap(\.ebs?.snapshotId) }

    /// The root volume, or the first volume if AWS does not report which one is the root.
    var rootDisk: EC2.EbsBlockDevice? {
        (blockDeviceMappings.first { $0.deviceName == rootDeviceName } ?? blockDeviceMappings.first)?.ebs
    }

    func value(ofTag key: String) -> String? { tags.first { $0.key == key }?.value }
}

/// Facts about an AMI, stored in its tags so that later runs need no local record.
package struct ImageFacts: Sendable, Equatable {
    /// Hash of all inputs of the image except the password.
    package var inputs: String
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int

    package init(inputs: String, missing: [MissingComponent], user: String, jupyterPort: Int) {
        self.inputs = inputs
        self.missing = missing
        self.user = user
        self.jupyterPort = jupyterPort
    }

    package enum Key {
        package static let inputs = "dss-inputs"
        package static let missing = "dss-missing"
        package static let user = "dss-user"
        package static let jupyterPort = "dss-jupyter-port"
    }

    package var tags: [EC2.Tag] {
        [
            EC2.Tag(key: Key.inputs, value: inputs), EC2.Tag(key: Key.missing, value: MissingTag.text(missing)),
            EC2.Tag(key: Key.user, value: user), EC2.Tag(key: Key.jupyterPort, value: "\(jupyterPort)"),
        ]
    }

    /// - Returns: `nil` if the image was not created by this program, or by an early version of it.
    package init?(_ tags: [EC2.Tag]) {
        let values = Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first }
        guard let inputs = values[Key.inputs], let user = values[Key.user],
            let port = values[Key.jupyterPort].flatMap({ Int($0) })
        else { return nil }
        self.init(
            inputs: inputs, missing: values[Key.missing].map(MissingTag.components) ?? [], user: user,
            jupyterPort: port)
    }
}

/// Encodes missing components as the value of a tag: a JSON list of pairs, `[["docker","no network"]]`.
///
/// AWS allows 256 characters. If they are not enough, first all reasons are truncated to the same length, and only then
/// components are omitted, so that the value remains valid JSON and names as many components as possible.
package enum MissingTag {
    private static let limit = 255

    package static func text(_ missing: [MissingComponent]) -> String {
        let longest = missing.map(\.reason.count).max() ?? 0
        for length in stride(from: longest, through: 0, by: -1) {
            let text = json(missing.map { [$0.component, cut($0.reason, to: length)] })
            if text.utf16.count <= limit { return text }
        }
        for count in stride(from: missing.count - 1, through: 0, by: -1) {
            let rest = ["\(missing.count - count) more", ""]
            let text = json(missing.prefix(count).map { [$0.component, ""] } + [rest])
            if text.utf16.count <= limit { return text }
        }
        return "[]"
    }

    package static func components(_ text: String) -> [MissingComponent] {
        let pairs = (try? JSONDecoder().decode([[String]].self, from: Data(text.utf8))) ?? []
        return pairs.filter { $0.count == 2 }.map { MissingComponent(component: $0[0], reason: $0[1]) }
    }

    private static func cut(_ reason: String, to length: Int) -> String {
        reason.count <= length ? reason : length < 2 ? "" : reason.prefix(length - 1) + "…"
    }

    private static func json(_ pairs: [[String]]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(pairs)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }
}
