import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Searches one region for our resources: all kinds at the same time, all pages, one page in memory at a time.
struct RegionSearch: Sendable {
    /// Client for the region to search.
    let client: AWSClient
    let rules: AssetRules
    let kinds: Set<Asset.Kind>
    let prices: PriceList
    let now: Date

    var region: String { client.region }

    func run() async throws -> RegionFindings {
        // An orphan can be recognized only by looking for its parent, so the search covers more kinds than are shown.
        async let machines = wants(.stack, .resource, .instance, .keyPair, .s3Object, .upload, .build) ? stacks() : nil
        async let images = wants(.ami, .snapshot, .exportTask) ? images() : nil
        async let keyPairs = wants(.keyPair) ? keyPairs() : []

        var findings = RegionFindings(region: region)
        if let found = try await images {
            findings.images = found.images
            findings.imageOfSnapshot = found.imageOfSnapshot
            findings.assets += found.assets
        }
        findings.assets += try await keyPairs
        if let found = try await machines {
            findings.stacks = found.names
            findings.stackOfResource = found.stackOfResource
            findings.assets += found.assets
        }
        return findings
    }

    func wants(_ some: Asset.Kind...) -> Bool { some.contains(where: kinds.contains) }

    /// All items of a list, for short lists.
    func all<O: PagedOperation>(_ operation: O) async throws -> [O.Item] {
        var found: [O.Item] = []
        for try await item in client.items(of: operation) { found.append(item) }
        return found
    }

    /// Runs two searches for the same resources at the same time, and returns each resource once.
    func either<O: PagedOperation>(
        _ first: O, _ second: O, _ asset: @escaping @Sendable (O.Item) -> Asset?
    ) async throws -> [Asset] {
        async let some = assets(first, asset)
        let others = try await assets(second, asset)
        let found = try await some
        let known = Set(found.map(\.id))
        return found + others.filter { !known.contains($0.id) }
    }

    func assets<O: PagedOperation>(
        _ operation: O, _ asset: @Sendable (O.Item) -> Asset?
    ) async throws -> [Asset] {
        var found: [Asset] = []
        for try await item in client.items(of: operation) { if let asset = asset(item) { found.append(asset) } }
        return found
    }

    /// Splits values among several requests: EC2 accepts at most 200 values for a filter.
    func inPortions<Element: Sendable>(
        of values: [String], _ ask: @escaping @Sendable ([String]) async throws -> [Element]
    ) async throws -> [Element] {
        try await withThrowingTaskGroup(of: [Element].self) { group in
            for start in stride(from: 0, to: values.count, by: 200) {
                group.addTask { try await ask(Array(values[start..<min(start + 200, values.count)])) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}

/// AMIs, their snapshots, and their exports.
extension RegionSearch {
    struct FoundImages: Sendable {
        /// Asset ids by image id; empty if the image is not ours.
        var images: [String: String] = [:]
        var imageOfSnapshot: [String: String] = [:]
        var assets: [Asset] = []

        mutating func take(_ image: FoundImage) {
            if images.updateValue(image.asset?.assetID ?? "", forKey: image.id) == nil {
                if let asset = image.asset { assets.append(asset) }
            }
            for snapshot in image.snapshots { imageOfSnapshot[snapshot] = image.id }
        }
    }

    struct FoundImage: Sendable {
        var id: String
        var asset: Asset?
        var snapshots: [String]
    }

    func images() async throws -> FoundImages {
        async let tagged = images([rules.tagFilter])
        async let named = images([.init(name: "name", values: [rules.imageNames])])
        async let taggedSnapshots = wants(.snapshot) ? snapshots([rules.tagFilter]) : []
        async let tasks = wants(.exportTask) ? all(EC2.DescribeExportImageTasks()) : []

        var found = FoundImages()
        for image in try await tagged + named { found.take(image) }
        let snapshots = try await taggedSnapshots
        for image in try await strangers(using: snapshots, found) { found.take(image) }
        found.assets += snapshots
        found.assets += try await snapshotsOfImages(found, besides: snapshots)
        found.assets += try await exports(tasks, found)
        if !kinds.contains(.ami) { found.assets.removeAll { $0.kind == .ami } }
        return found
    }

    private func images(_ filters: [EC2.Filter]) async throws -> [FoundImage] {
        var list = EC2.DescribeImages(owners: ["self"], filters: filters)
        list.maxResults = 1000
        var found: [FoundImage] = []
        for try await image in client.items(of: list) {
            let asset = rules.owner(image.tags, amiName: image.name).map { Asset(image, in: region, of: $0, rules) }
            let snapshots = image.blockDeviceMappings.compactMap(\.ebs?.snapshotId)
            found.append(FoundImage(id: image.imageId, asset: asset, snapshots: snapshots))
        }
        return found
    }

    /// Images that are not ours but use our snapshots. Those snapshots are not orphans.
    private func strangers(using snapshots: [Asset], _ found: FoundImages) async throws -> [FoundImage] {
        let unused = snapshots.filter { found.imageOfSnapshot[$0.id] == nil }
        let unknown = Set(unused.compactMap(\.parent)).subtracting(found.images.keys).sorted()
        return try await inPortions(of: unknown) { ids in
            try await images([.init(name: "image-id", values: ids)]).map {
                FoundImage(id: $0.id, asset: nil, snapshots: $0.snapshots)
            }
        }
    }

    private func snapshots(_ filters: [EC2.Filter]) async throws -> [Asset] {
        var list = EC2.DescribeSnapshots(ownerIds: ["self"], filters: filters)
        list.maxResults = 1000
        return try await assets(list) { snapshot in
            rules.owner(snapshot.tags, amiName: nil).map { Asset(snapshot, in: region, of: $0, prices) }
        }
    }

    /// Snapshots that have no tag but belong to one of our images.
    private func snapshotsOfImages(_ found: FoundImages, besides known: [Asset]) async throws -> [Asset] {
        guard wants(.snapshot) else { return [] }
        let ours = found.imageOfSnapshot.filter { found.images[$0.value] != "" }
        let missing = Set(ours.keys).subtracting(known.map(\.id)).sorted()
        return try await inPortions(of: missing) { ids in
            let list = EC2.DescribeSnapshots(ownerIds: ["self"], filters: [.init(name: "snapshot-id", values: ids)])
            return try await assets(list) { snapshot in
                // A tag with another asset id shows that the snapshot is not ours.
                guard !snapshot.tags.contains(where: { $0.key == rules.tagKey }) else { return nil }
                return ours[snapshot.snapshotId].flatMap { found.images[$0] }
                    .map { Asset(snapshot, in: region, of: $0, prices) }
            }
        }
    }

    private func exports(_ tasks: [EC2.ExportImageTask], _ found: FoundImages) -> [Asset] {
        let foreign = Set(found.assets.lazy.filter(\.isNameOnly).map(\.id))
        return tasks.compactMap { task in
            let image = task.imageId.flatMap { found.images[$0] }
            let place = task.s3ExportLocation?.s3Prefix.flatMap { rules.owner(ofKey: $0) }
            let isTagged = task.tags.contains { $0.key == rules.tagKey }
            let owner = isTagged ? rules.owner(task.tags, amiName: nil) : (image == "" ? nil : image) ?? place
            return owner.map { owner in
                var asset = Asset(task, in: region, of: owner)
                asset.isNameOnly = !isTagged && task.imageId.map(foreign.contains) ?? false
                return asset
            }
        }
    }
}

/// Stacks, and the resources that are found through them: instances, the bucket, CodeBuild projects.
extension RegionSearch {
    struct FoundStacks: Sendable {
        /// Names of all existing stacks.
        var names: Set<String> = []
        var stackOfResource: [String: String] = [:]
        var assets: [Asset] = []
    }

    func stacks() async throws -> FoundStacks {
        async let tagged = wants(.instance) ? instances([rules.tagFilter]) : []
        var found = FoundStacks()
        var place: AssetBucket?
        var ours: [Asset] = []
        var permanent: [Asset] = []
        for try await stack in client.items(of: CloudFormation.DescribeStacks()) {
            found.names.insert(stack.stackName)
            if stack.stackName == PermanentStack.vmBucket.name { place = self.bucket(of: stack) }
            if let owner = rules.owner(of: stack) {
                ours.append(Asset(stack, in: region, of: owner, rules))
            } else if rules.isPermanent(stack.stackName) {
                permanent.append(Asset(stack, in: region, of: "", rules))
            }
        }
        let bucket = place
        async let stored = stored(in: bucket)
        let parts = try await parts(of: ours + (wants(.build) ? permanent : []))
        let projects = parts.filter { $0.name == "AWS::CodeBuild::Project" }.map(\.id)
        found.stackOfResource = Dictionary(parts.map { ($0.id, $0.parent ?? "") }) { first, _ in first }
        async let builds = wants(.build) ? builds(of: projects) : []
        let machines = try await tagged
        async let untagged = machinesOfStacks(parts, besides: machines)
        let shown = Set(ours.map(\.id))
        if wants(.stack) || wants(.keyPair) { found.assets += ours }
        if wants(.resource) { found.assets += parts.filter { shown.contains($0.parent ?? "") && !$0.isEnded } }
        found.assets += machines
        found.assets += try await untagged
        found.assets += try await builds
        found.assets += try await stored
        return found
    }

    private func bucket(of stack: CloudFormation.Stack) -> AssetBucket? {
        let outputs = Dictionary(stack.outputs.map { ($0.outputKey ?? "", $0.outputValue) }) { first, _ in first }
        guard let name = outputs[PermanentStack.Output.bucket] ?? nil else { return nil }
        let domain = outputs[PermanentStack.Output.domainName] ?? nil
        return AssetBucket(name: name, prefix: rules.names.bucketPrefix, region: region, domain: domain)
    }

    private func parts(of stacks: [Asset]) async throws -> [Asset] {
        try await withThrowingTaskGroup(of: [Asset].self) { group in
            for stack in stacks {
                group.addTask {
                    do {
                        return try await assets(CloudFormation.ListStackResources(stackName: stack.id)) {
                            Asset($0, of: stack)
                        }
                    } catch let error as AWSError where error.code == "ValidationError" {
                        return []  // The stack was deleted in the meantime.
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func instances(_ filters: [EC2.Filter], of owners: [String: String] = [:]) async throws -> [Asset] {
        try await assets(EC2.DescribeInstances(filters: filters)) { instance in
            let owner = rules.owner(instance.tags, stackName: nil) ?? owners[instance.instanceId]
            return owner.map { Asset(instance, in: region, of: $0, rules, prices) }
        }
    }

    /// Instances of our stacks that lack our tag, as in a stack that was created by hand.
    private func machinesOfStacks(_ parts: [Asset], besides known: [Asset]) async throws -> [Asset] {
        guard wants(.instance) else { return [] }
        let machines = parts.filter { $0.name == "AWS::EC2::Instance" && !$0.isPermanent }
        let owners = Dictionary(machines.map { ($0.id, $0.assetID) }) { first, _ in first }
        let missing = Set(owners.keys).subtracting(known.map(\.id)).sorted()
        return try await inPortions(of: missing) {
            try await instances([.init(name: "instance-id", values: $0)], of: owners)
        }
    }

    private func builds(of projects: [String]) async throws -> [Asset] {
        try await withThrowingTaskGroup(of: [Asset].self) { group in
            for project in projects { group.addTask { try await builds(of: project) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func builds(of project: String) async throws -> [Asset] {
        var found: [Asset] = []
        for try await page in client.pages(of: CodeBuild.ListBuildsForProject(projectName: project)) {
            guard let ids = page.ids, !ids.isEmpty else { continue }
            let builds = try await client.call(CodeBuild.BatchGetBuilds(ids: ids)).builds ?? []
            found += builds.compactMap { build in
                rules.owner(of: build).map { Asset(build, in: region, of: $0) }
            }
        }
        return found
    }

    func keyPairs() async throws -> [Asset] {
        async let tagged = client.call(EC2.DescribeKeyPairs(filters: [rules.tagFilter])).keyPairs
        let names = EC2.Filter(name: "key-name", values: [rules.keyPairNames])
        let named = try await client.call(EC2.DescribeKeyPairs(filters: [names])).keyPairs
        var known: Set<String> = []
        return try await (tagged + named).compactMap { pair in
            guard known.insert(pair.keyPairId).inserted else { return nil }
            return rules.owner(pair.tags, stackName: pair.keyName).map { Asset(pair, in: region, of: $0, rules) }
        }
    }
}

/// Objects and unfinished uploads in the bucket of images.
extension RegionSearch {
    func stored(in bucket: AssetBucket?) async throws -> [Asset] {
        guard let bucket else { return [] }
        do {
            async let objects = wants(.s3Object) ? objects(in: bucket) : []
            let uploads = wants(.upload) ? try await uploads(in: bucket) : []
            return try await objects + uploads
        } catch let error as AWSError where error.code == "NoSuchBucket" {
            return []  // The stack exists, but its bucket has been deleted.
        }
    }

    private func objects(in bucket: AssetBucket) async throws -> [Asset] {
        let versioning = try await client.call(S3.GetBucketVersioning(bucket: bucket.name))
        return versioning.status == nil ? try await plainObjects(in: bucket) : try await versions(in: bucket)
    }

    private func versions(in bucket: AssetBucket) async throws -> [Asset] {
        try await assets(S3.ListObjectVersions(bucket: bucket.name, prefix: rules.keyPrefix)) { entry in
            rules.owner(ofKey: entry.key).map { Asset(entry, in: region, of: $0, bucket, prices) }
        }
    }

    private func plainObjects(in bucket: AssetBucket) async throws -> [Asset] {
        try await assets(S3.ListObjectsV2(bucket: bucket.name, prefix: rules.keyPrefix)) { object in
            rules.owner(ofKey: object.key).map { Asset(object, in: region, of: $0, bucket, prices) }
        }
    }

    private func uploads(in bucket: AssetBucket) async throws -> [Asset] {
        let uploads = try await all(S3.ListMultipartUploads(bucket: bucket.name, prefix: rules.keyPrefix))
        return try await withThrowingTaskGroup(of: Asset?.self) { group in
            for upload in uploads {
                guard let owner = rules.owner(ofKey: upload.key) else { continue }
                group.addTask {
                    let bytes = try await bytes(of: upload, in: bucket.name)
                    return bytes.map { Asset(upload, bytes: $0, in: region, of: owner, bucket, prices, at: now) }
                }
            }
            return try await group.reduce(into: []) { if let upload = $1 { $0.append(upload) } }
        }
    }

    /// Total size of the parts of an upload; `nil` if the upload was completed or aborted in the meantime.
    private func bytes(of upload: S3.Upload, in bucket: String) async throws -> Int64? {
        do {
            var bytes: Int64 = 0
            for try await part in client.items(
                of: S3.ListParts(bucket: bucket, key: upload.key, uploadId: upload.uploadId))
            {
                bytes += Int64(part.size)
            }
            return bytes
        } catch let error as AWSError where error.code == "NoSuchUpload" {
            return nil
        }
    }
}
