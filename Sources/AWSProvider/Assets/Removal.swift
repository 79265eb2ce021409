import AWSCore
import AWSServices
import FoundationEssentials

/// What is removed, and in which order: what still writes first, then what runs, then what is stored; an image before
/// the snapshots that it uses.
package struct RemovalPlan: Sendable, Equatable {
    /// What can be removed at the same time; one wave after the other.
    package var waves: [[AWSAsset]]
    /// What goes by itself with its stack.
    package var companions: [AWSAsset] = []
    /// What stays although it was meant, and why.
    package var spared: [Spared] = []

    package struct Spared: Sendable, Equatable {
        package var asset: AWSAsset
        package var reason: String
    }

    private static let order: [Set<AWSAsset.Kind>] = [
        [.exportTask, .build], [.stack, .instance], [.ami, .keyPair], [.snapshot], [.upload], [.s3Object],
    ]

    package init(_ assets: [AWSAsset], keeping kept: Set<AWSAsset.Kind> = []) {
        let present = assets.filter { !$0.isEnded }
        let removable = present.filter { $0.kind != .resource && !$0.isPermanent && !kept.contains($0.kind) }
        let removed = Set(removable.map(\.place))
        var going: [AWSAsset] = []
        for asset in present {
            if asset.kind == .resource {
                if let stack = asset.parentPlace, removed.contains(stack) { companions.append(asset) }
            } else if asset.assetID.isEmpty, !asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it has no asset id"))
            } else if asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it is permanent"))
            } else if kept.contains(asset.kind) {
                spared.append(Spared(asset: asset, reason: "--keep \(asset.kind.rawValue)"))
            } else if let owner = asset.parentPlace, asset.isPart, !removed.contains(owner) {
                let use = asset.kind == .snapshot ? "uses it" : "has it"
                spared.append(Spared(asset: asset, reason: "\(owner.id) \(use), which stays"))
            } else if asset.kind != .snapshot, asset.isPart {
                companions.append(asset)
            } else {
                going.append(asset)
            }
        }
        waves = Self.order.map { kinds in going.filter { kinds.contains($0.kind) } }.filter { !$0.isEmpty }
    }

    package var assets: [AWSAsset] { waves.flatMap { $0 } }

    /// All that is gone afterwards, in the order of the listing that the plan was made of.
    package func listed(in listing: [AWSAsset]) -> [AWSAsset] {
        let going = Set((assets + companions).map(\.place))
        return listing.filter { going.contains($0.place) }
    }

    /// How many are gone when these are left.
    package func count(besides left: [Removal.Leftover]) -> Int {
        let places = Set(left.map(\.asset.place))
        return assets.count { !places.contains($0.place) }
            + companions.count { !($0.parentPlace.map(places.contains) ?? false) }
    }

    package var isEmpty: Bool { waves.isEmpty }
}

extension AWSAsset {
    /// Tells it from all others.
    package struct Place: Hashable, Sendable {
        package var kind: Kind
        package var region: String
        package var id: String
        package var version: String?
    }

    package var place: Place { Place(kind: kind, region: region, id: id, version: version) }

    /// What it belongs to.
    var parentPlace: Place? {
        guard let parent else { return nil }
        switch kind {
        case .snapshot, .exportTask: return Place(kind: .ami, region: region, id: parent)
        case .resource, .instance, .keyPair: return Place(kind: .stack, region: region, id: parent)
        case .stack, .ami, .s3Object, .upload, .build: return nil
        }
    }

    /// It cannot be removed, or would be missed, as long as what it belongs to is there.
    var isPart: Bool { [.snapshot, .instance, .keyPair].contains(kind) && parent != nil && !isOrphan }
}

extension [AWSAsset] {
    /// What is past its time, and what belongs to that.
    package func expired(at now: Date) -> [AWSAsset] {
        let places = Set(lazy.filter { $0.isExpired(at: now) }.map(\.place))
        return filter { asset in
            places.contains(asset.place) || (asset.parentPlace.map(places.contains) ?? false)
        }
    }
}

/// Removes what a plan names, wave after wave, and waits until it is gone.
package struct Removal: Sendable {
    /// What could not be removed, and why.
    package struct Leftover: Sendable {
        package var asset: AWSAsset
        package var reason: String
        /// Nothing is wrong with it; there was no time.
        package var isInterrupted = false
    }

    let client: AWSClient
    let polling: PollingPolicy
    /// Told of what is gone.
    let report: @Sendable ([AWSAsset]) -> Void

    /// - Parameter client: of any region.
    package init(
        _ client: AWSClient, polling: PollingPolicy = PollingPolicy(),
        report: @escaping @Sendable ([AWSAsset]) -> Void = { _ in }
    ) {
        self.client = client
        self.polling = polling
        self.report = report
    }

    /// When the task is cancelled, what has begun is finished, and all the rest is left.
    /// - Returns: what is left of the plan.
    package func run(_ plan: RemovalPlan) async -> [Leftover] {
        var left: [Leftover] = []
        for wave in plan.waves {
            let standing = Set(left.map(\.asset.place))
            let blocked = wave.filter { $0.parentPlace.map(standing.contains) ?? false }
            left += blocked.map { Leftover(asset: $0, reason: "\($0.parent ?? "") is still there") }
            let waiting = Set(blocked.map(\.place))
            left += await remove(wave.filter { !waiting.contains($0.place) })
        }
        return left
    }

    /// As many as S3 takes in one call.
    private static let keysAtOnce = 1000

    private func remove(_ wave: [AWSAsset]) async -> [Leftover] {
        await withTaskGroup(of: [Leftover].self) { group in
            for asset in wave where asset.kind != .s3Object {
                group.addTask { await attempt([asset]) { try await remove(asset) } }
            }
            let objects = Dictionary(grouping: wave.filter { $0.kind == .s3Object }) { $0.bucket?.name ?? "" }
            for (_, objects) in objects {
                for start in stride(from: 0, to: objects.count, by: Self.keysAtOnce) {
                    let portion = Array(objects[start..<min(start + Self.keysAtOnce, objects.count)])
                    group.addTask { await attempt(portion) { try await remove(objects: portion) } }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// - Parameter body: returns what it could not remove, with AWS's reasons.
    private func attempt(
        _ assets: [AWSAsset], _ body: () async throws -> [Leftover]
    ) async -> [Leftover] {
        func all(_ reason: String, isInterrupted: Bool = false) -> [Leftover] {
            assets.map { Leftover(asset: $0, reason: reason, isInterrupted: isInterrupted) }
        }
        if Task.isCancelled { return all("interrupted before it was its turn", isInterrupted: true) }
        do {
            let left = try await body()
            let places = Set(left.map(\.asset.place))
            report(assets.filter { !places.contains($0.place) })
            return left
        } catch let error as AWSError where Self.gone.contains(error.code) {
            report(assets)
            return []
        } catch let error as AWSError {
            return all(error.description)
        } catch is CancellationError {
            return all("interrupted while it was being removed", isInterrupted: true)
        } catch {
            return all("\(error)")
        }
    }

    /// Somebody else was faster.
    private static let gone: Set = [
        "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound", "InvalidInstanceID.NotFound",
        "InvalidKeyPair.NotFound", "InvalidExportTaskID.NotFound", "NoSuchUpload", "NoSuchBucket",
    ]
}

/// How each kind is removed, and how one sees that it is gone.
extension Removal {
    func remove(_ asset: AWSAsset) async throws -> [Leftover] {
        let client = client.region(asset.region)
        switch asset.kind {
        case .exportTask: try await cancel(asset, client)
        case .build: try await stop(asset, client)
        case .stack: try await delete(asset, client)
        case .instance: try await terminate(asset, client)
        case .ami: _ = try await client.call(EC2.DeregisterImage(imageId: asset.id))
        case .snapshot: _ = try await client.call(EC2.DeleteSnapshot(snapshotId: asset.id))
        case .keyPair: _ = try await client.call(EC2.DeleteKeyPair(keyPairId: asset.id))
        case .upload:
            _ = try await client.call(
                S3.AbortMultipartUpload(
                    bucket: asset.bucket?.name ?? "", key: asset.name ?? "", uploadId: asset.id))
        case .s3Object: return try await remove(objects: [asset])
        case .resource: break  // It goes with its stack.
        }
        return []
    }

    /// Of one bucket.
    func remove(objects: [AWSAsset]) async throws -> [Leftover] {
        guard let first = objects.first, let bucket = first.bucket else { return [] }
        let answer = try await client.region(first.region).call(
            S3.DeleteObjects(bucket: bucket.name, objects: objects.map(\.target)))
        let errors = Dictionary(
            answer.errors.map { (S3.DeleteObjects.Target(key: $0.key ?? "", versionId: $0.versionId), $0) }
        ) { first, _ in first }
        return objects.compactMap { object in
            errors[object.target].map {
                Leftover(asset: object, reason: "S3 DeleteObjects failed with \($0.code ?? "?"): \($0.message ?? "")")
            }
        }
    }

    private func cancel(_ task: AWSAsset, _ client: AWSClient) async throws {
        do {
            _ = try await client.call(EC2.CancelExportTask(exportTaskId: task.id))
        } catch let error as AWSError where error.code == "IncorrectState" {
            // It has ended by itself, or is on the way.
        }
        try await client.wait(for: "the end of \(task.id)", at: polling) {
            let tasks = try await client.call(EC2.DescribeExportImageTasks(exportImageTaskIds: [task.id]))
            let status = tasks.exportImageTasks.first?.status
            return status == nil || ["completed", "deleted"].contains(status) ? () : nil
        }
    }

    private func stop(_ build: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(CodeBuild.StopBuild(id: build.id))
        try await client.wait(for: "the end of \(build.id)", at: polling) {
            let found = try await client.call(CodeBuild.BatchGetBuilds(ids: [build.id])).builds?.first
            return found?.buildStatus == "IN_PROGRESS" ? nil : ()
        }
    }

    func terminate(_ instance: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(EC2.TerminateInstances(instanceIds: [instance.id]))
        try await client.wait(for: "the end of \(instance.id)", at: polling) {
            let search = EC2.DescribeInstances(filters: [.init(name: "instance-id", values: [instance.id])])
            let found = try await client.call(search).reservations.first?.instances.first
            return found == nil || found?.state.name == "terminated" ? () : nil
        }
    }
}

extension AWSAsset {
    fileprivate var target: S3.DeleteObjects.Target { .init(key: id, versionId: version) }
}

/// Stacks, and what keeps them from going.
extension Removal {
    /// Once more where what stays can be removed by itself.
    func delete(_ stack: AWSAsset, _ client: AWSClient) async throws {
        do { try await deleteOnce(stack, client) } catch let stays as StackStays {
            let machines = stays.parts.filter { $0.resourceType == "AWS::EC2::Instance" }
                .compactMap(\.physicalResourceId)
            guard !machines.isEmpty else { throw stays }
            for machine in machines {
                let part = AWSAsset(.instance, in: stack.region, assetID: stack.assetID, id: machine, state: "")
                do { try await terminate(part, client) } catch is AWSError { throw stays }
            }
            try await deleteOnce(stack, client)
        }
    }

    private func deleteOnce(_ stack: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(CloudFormation.DeleteStack(stackName: stack.id))
        try await client.wait(for: "the deletion of \(stack.id)", at: polling) {
            let found: CloudFormation.Stack?
            do {
                found = try await client.call(CloudFormation.DescribeStacks(stackName: stack.id)).stacks.first
            } catch let error as AWSError where error.code == "ValidationError" {
                return ()
            }
            switch found?.stackStatus {
            case nil, "DELETE_COMPLETE": return ()
            case "DELETE_FAILED":
                throw StackStays(parts: try await failedParts(of: stack, client), reason: found?.stackStatusReason)
            default: return nil
            }
        }
    }

    /// What did not go at the last attempt.
    private func failedParts(of stack: AWSAsset, _ client: AWSClient) async throws -> [CloudFormation.StackEvent] {
        var events: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: stack.id)) {
            events.append(event)
        }
        return StackFailure.lastChange(in: events).filter {
            $0.resourceStatus == "DELETE_FAILED" && !$0.isOfTheStack && !$0.isFollower
        }
    }
}

/// A stack could not be deleted.
private struct StackStays: Error, CustomStringConvertible {
    var parts: [CloudFormation.StackEvent]
    var reason: String?

    /// The parts that did not go, with AWS's words.
    var description: String {
        let lines = parts.map {
            "\($0.resourceType ?? "") \($0.physicalResourceId ?? $0.logicalResourceId ?? ""): "
                + ($0.resourceStatusReason ?? "AWS gives no reason")
        }
        let reasons = lines.isEmpty ? reason.map { [$0] } ?? [] : lines
        return "the stack is DELETE_FAILED" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
    }
}
