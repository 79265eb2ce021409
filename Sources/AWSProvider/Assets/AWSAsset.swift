import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

extension Asset.Kind {
    /// The kinds of assets on AWS, in the order of listings.
    package static let onAWS: [Self] = [
        .stack, .resource, .instance, .ami, .snapshot, .exportTask, .keyPair, .s3Object, .upload, .build,
    ]
}

extension AssetBucket {
    /// - Parameter domain: domain name of the CloudFront distribution in front of the bucket; `nil` for S3 itself.
    package convenience init(name: String, prefix: String, region: String, domain: String?) {
        self.init(
            name: name, prefix: prefix,
            address: domain.map { "https://\($0)" } ?? "https://\(name).s3.\(region).amazonaws.com",
            escaped: { percentEncoded($0, keepsSlash: true) })
    }
}

/// Assets created from the responses of AWS, reduced to the facts that an inventory needs.
extension Asset {
    init(_ stack: CloudFormation.Stack, in region: String, of owner: String, _ rules: AssetRules) {
        self.init(.stack, in: region, assetID: owner, id: stack.stackName, state: stack.stackStatus)
        isPermanent = rules.isPermanent(stack.stackName)
        isNameOnly = !isPermanent && !stack.tags.contains { $0.key == rules.tagKey }
        expires = expiry(stack.tags.first { $0.key == AssetRules.expiryTag }?.value)
    }

    init(_ resource: CloudFormation.StackResource, of stack: Asset) {
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

    init(_ image: EC2.Image, in region: String, of owner: String, _ rules: AssetRules) {
        self.init(.ami, in: region, assetID: owner, id: image.imageId, name: image.name, state: image.state)
        isPublic = image.public == true
        isNameOnly = !image.tags.contains { $0.key == rules.tagKey }
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

    init(_ pair: EC2.KeyPair, in region: String, of owner: String, _ rules: AssetRules) {
        self.init(.keyPair, in: region, assetID: owner, id: pair.keyPairId, name: pair.keyName, state: "available")
        isNameOnly = !pair.tags.contains { $0.key == rules.tagKey }
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
        // The upload of the largest image takes hours.
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

/// The first AMI in the description of a snapshot, which is `Created by CreateImage(i-1) for ami-1` or `Copied for
/// DestinationAmi ami-1 from …`.
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
