import AWSCore
import AWSServices

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
    let pace: Pace
    /// Told of what is gone.
    let report: @Sendable ([AWSAsset]) -> Void

    /// - Parameter client: of any region.
    package init(
        _ client: AWSClient, pace: Pace = Pace(), report: @escaping @Sendable ([AWSAsset]) -> Void = { _ in }
    ) {
        self.client = client
        self.pace = pace
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
