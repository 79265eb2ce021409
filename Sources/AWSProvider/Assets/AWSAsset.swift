import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// Something on AWS that belongs to a build, or to none any more.
///
/// Small, because an account may have a hundred thousand of them; what it takes to tell kinds apart is in here, so that
/// what is made of it (orphans, costs, the order of removal) asks AWS nothing.
package struct AWSAsset: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case stack
        /// A part of a stack, which goes with it.
        case resource
        case instance
        case ami
        case snapshot
        case exportTask = "export-task"
        case keyPair = "key-pair"
        case s3Object = "s3-object"
        /// A multipart upload that was neither completed nor aborted.
        case upload
        /// A run of CodeBuild.
        case build
    }

    package var kind: Kind
    package var region: String
    /// As its tag says; else as its name does, where dots, blanks and underscores may have become dashes.
    package var assetID: String
    /// By which AWS knows it; a stack's name, an object's key.
    package var id: String
    /// What people call it: an AMI's name, a resource's type, the key of an upload.
    package var name: String?
    package var state: String
    /// Who may use it: everybody.
    package var isPublic = false
    /// The stack or image that it belonged to is gone; of an upload, whoever sent it.
    package var isOrphan = false
    /// Only a record that AWS keeps for a while: nothing to be removed, nothing to pay.
    package var isEnded = false
    /// Deployed once for all builds, and never removed here.
    package var isPermanent = false
    package var bytes: Int64?
    /// Estimated, in US dollars.
    package var monthlyCost: Double?
    package var expires: Date?
    /// What it is a part of: a stack's name, an image's id.
    package var parent: String?
    package var bucket: AssetBucket?
    /// Of an object in a bucket that keeps old versions.
    package var version: String?
    /// A version that another one has replaced, or the marker of a deleted object; nobody can download it.
    package var isSuperseded = false
    /// Of the record of a Docker image: the command that fetches the image.
    package var pullLine: String?

    package init(_ kind: Kind, in region: String, assetID: String, id: String, name: String? = nil, state: String) {
        self.kind = kind
        self.region = region
        self.assetID = assetID
        self.id = id
        self.name = name
        self.state = state
    }

    /// Where it can be downloaded.
    package var url: String? {
        kind == .s3Object && !isSuperseded ? bucket?.url(of: id) : nil
    }

    /// What tells it from the others of its asset id: of an object or an upload its name in the folder.
    package var shortID: String {
        guard let folder = bucket?.folder(of: assetID) else { return id }
        let key = kind == .upload ? name ?? id : id
        return key.hasPrefix(folder) ? String(key.dropFirst(folder.count)) : key
    }

    package func isExpired(at now: Date) -> Bool {
        expires.map { $0 <= now } ?? false
    }
}

/// The bucket of images and the way in; one for all objects of a listing.
package final class AssetBucket: Sendable, Equatable {
    package let name: String
    /// Up to the first slash of keys.
    package let prefix: String
    /// With `https://`, without a slash at the end.
    package let address: String

    package init(name: String, prefix: String, region: String, domain: String?) {
        self.name = name
        self.prefix = prefix
        address = domain.map { "https://\($0)" } ?? "https://\(name).s3.\(region).amazonaws.com"
    }

    package static func == (one: AssetBucket, other: AssetBucket) -> Bool {
        (one.name, one.prefix, one.address) == (other.name, other.prefix, other.address)
    }

    package func folder(of assetID: String) -> String { AssetID.folder(of: assetID, under: prefix) }

    package func url(of key: String) -> String { "\(address)/\(escaped(key))" }

    /// RFC 3986, 2.3, and slashes.
    private func escaped(_ key: String) -> String {
        guard key.utf8.contains(where: { !Self.isPlain($0) }) else { return key }
        return key.utf8.reduce(into: "") { text, byte in
            if Self.isPlain(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let code = String(byte, radix: 16, uppercase: true)
                text += "%" + (code.count < 2 ? "0" : "") + code
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~/".utf8.contains(byte)
        }
    }
}

/// What AWS tells of a thing, cut down to what is needed of it.
extension AWSAsset {
    init(_ stack: CloudFormation.Stack, in region: String, of owner: String, _ rules: AssetRules) {
        self.init(.stack, in: region, assetID: owner, id: stack.stackName, state: stack.stackStatus)
        isPermanent = rules.isPermanent(stack.stackName)
        expires = expiry(stack.tags.first { $0.key == AssetRules.expiryTag }?.value)
    }

    init(_ resource: CloudFormation.StackResource, of stack: AWSAsset) {
        self.init(
            .resource, in: stack.region, assetID: stack.assetID,
            id: resource.physicalResourceId ?? resource.logicalResourceId, name: resource.resourceType,
            state: resource.resourceStatus)
        parent = stack.id
        isPermanent = stack.isPermanent
        isEnded = resource.resourceStatus == "DELETE_COMPLETE"
    }

    init(_ instance: EC2.Instance, in region: String, of owner: String, _ rules: AssetRules, _ prices: PriceList) {
        self.init(
            .instance, in: region, assetID: owner, id: instance.instanceId, name: instance.instanceType,
            state: instance.state.name)
        isEnded = state == "terminated"
        expires = expiry(instance.tags)
        parent = instance.tags.first { $0.key == "aws:cloudformation:stack-name" }?.value
        guard !isEnded else { return }
        let disk = max(1, instance.blockDeviceMappings.count) * rules.volumeGiB
        monthlyCost = prices.instance(
            instance.instanceType ?? "", isRunning: !["stopped", "stopping"].contains(state), diskGiB: disk,
            hasAddress: instance.publicIpAddress != nil, in: region)
    }

    init(_ image: EC2.Image, in region: String, of owner: String) {
        self.init(.ami, in: region, assetID: owner, id: image.imageId, name: image.name, state: image.state)
        isPublic = image.public == true
        expires = expiry(image.tags)
    }

    init(_ snapshot: EC2.Snapshot, in region: String, of owner: String, _ prices: PriceList) {
        self.init(.snapshot, in: region, assetID: owner, id: snapshot.snapshotId, state: snapshot.state)
        bytes = Int64(snapshot.fullSnapshotSizeInBytes ?? (snapshot.volumeSize ?? 0) << 30)
        monthlyCost = prices.snapshot(bytes: bytes ?? 0, in: region)
        expires = expiry(snapshot.tags)
        parent = snapshot.description.flatMap(imageNamed)
    }

    init(_ task: EC2.ExportImageTask, in region: String, of owner: String) {
        self.init(
            .exportTask, in: region, assetID: owner, id: task.exportImageTaskId, state: task.status ?? "unknown")
        name = [task.progress.map { "\($0) %" }, task.statusMessage].compactMap { $0 }.joined(separator: ", ")
        isEnded = ["completed", "deleted"].contains(state)
        expires = expiry(task.tags)
        parent = task.imageId
    }

    init(_ pair: EC2.KeyPair, in region: String, of owner: String) {
        self.init(.keyPair, in: region, assetID: owner, id: pair.keyPairId, name: pair.keyName, state: "available")
        expires = expiry(pair.tags)
    }

    init(_ object: S3.Object, in region: String, of owner: String, _ bucket: AssetBucket, _ prices: PriceList) {
        self.init(
            .s3Object, in: region, assetID: owner, id: object.key, state: object.storageClass?.lowercased() ?? "stored")
        self.bucket = bucket
        bytes = Int64(object.size)
        monthlyCost = prices.stored(bytes: Int64(object.size), in: region)
    }

    init(
        _ entry: S3.ListObjectVersions.Item, in region: String, of owner: String, _ bucket: AssetBucket,
        _ prices: PriceList
    ) {
        switch entry {
        case .version(let object):
            let state = object.storageClass?.lowercased() ?? "stored"
            self.init(
                .s3Object, in: region, assetID: owner, id: object.key,
                state: object.isLatest ? state : "old version, \(state)")
            isSuperseded = !object.isLatest
            bytes = Int64(object.size)
            monthlyCost = prices.stored(bytes: Int64(object.size), in: region)
        case .deleteMarker(let marker):
            self.init(.s3Object, in: region, assetID: owner, id: marker.key, state: "delete marker")
            isSuperseded = true
        }
        version = entry.versionID
        self.bucket = bucket
    }

    init(
        _ upload: S3.Upload, bytes: Int64, in region: String, of owner: String, _ bucket: AssetBucket,
        _ prices: PriceList, at now: Date
    ) {
        // The largest image takes hours.
        let isAbandoned = now.timeIntervalSince(upload.initiated) > 24 * 3600
        self.init(
            .upload, in: region, assetID: owner, id: upload.uploadId, name: upload.key,
            state: isAbandoned ? "abandoned" : "unfinished")
        isOrphan = isAbandoned
        self.bucket = bucket
        self.bytes = bytes
        monthlyCost = prices.stored(bytes: bytes, in: region)
    }

    init(_ build: CodeBuild.Build, in region: String, of owner: String) {
        self.init(
            .build, in: region, assetID: owner, id: build.id, name: build.currentPhase,
            state: build.buildStatus?.lowercased() ?? "unknown")
        isEnded = build.buildStatus != "IN_PROGRESS"
        parent = build.projectName
    }
}

extension S3.ListObjectVersions.Item {
    var key: String {
        switch self {
        case .version(let object): object.key
        case .deleteMarker(let marker): marker.key
        }
    }

    var versionID: String {
        switch self {
        case .version(let object): object.versionId
        case .deleteMarker(let marker): marker.versionId
        }
    }
}

private func expiry(_ tags: [EC2.Tag]) -> Date? {
    expiry(tags.first { $0.key == AssetRules.expiryTag }?.value)
}

private func expiry(_ text: String?) -> Date? {
    guard let text else { return nil }
    return (try? Date(text, strategy: .iso8601))
        ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
}

/// `Created by CreateImage(i-1) for ami-1`, or `Copied for DestinationAmi ami-1 from …`: the first AMI in it.
private func imageNamed(in description: String) -> String? {
    let text = description.utf8
    var place = text.startIndex
    while let start = text[place...].firstIndex(of: UInt8(ascii: "a")) {
        let word = text[start...].prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        if word.starts(with: "ami-".utf8), word.count > "ami-".utf8.count { return String(word) }
        place = text.index(after: start)
    }
    return nil
}

extension AWSAsset {
    /// The command of the AWS CLI that removes it, to copy and paste.
    package var removalCommand: String {
        let words =
            switch kind {
            case .stack, .resource: ["cloudformation", "delete-stack", "--stack-name", stackName]
            case .instance: ["ec2", "terminate-instances", "--instance-ids", id]
            case .ami: ["ec2", "deregister-image", "--image-id", id]
            case .snapshot: ["ec2", "delete-snapshot", "--snapshot-id", id]
            case .exportTask: ["ec2", "cancel-export-task", "--export-task-id", id]
            case .keyPair: ["ec2", "delete-key-pair", "--key-pair-id", id]
            case .s3Object where version != nil:
                [
                    "s3api", "delete-object", "--bucket", bucket?.name ?? "", "--key", id, "--version-id",
                    version ?? "",
                ]
            case .s3Object: ["s3", "rm", "s3://\(bucket?.name ?? "")/\(id)"]
            case .upload:
                [
                    "s3api", "abort-multipart-upload", "--bucket", bucket?.name ?? "", "--key", name ?? "",
                    "--upload-id", id,
                ]
            case .build: ["codebuild", "stop-build", "--id", id]
            }
        return (["aws"] + words + ["--region", region]).map(shellQuoted).joined(separator: " ")
    }

    private var stackName: String { kind == .resource ? parent ?? "" : id }
}
