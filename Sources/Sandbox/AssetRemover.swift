import FoundationEssentials

/// Removes the assets of an inventory, including those that the provider still creates during the removal.
package struct AssetRemover<Source: AssetInventory>: Sendable {
    let inventory: Source
    /// Kinds of assets to keep.
    let kept: Set<Asset.Kind>
    /// Whether assets that have only our name are removed too.
    let adopts: Bool
    /// If set, only assets that have expired by this time are removed, together with their parts.
    let expiry: Date?
    /// Receives the removed assets, batch by batch.
    let report: @Sendable ([Asset]) -> Void

    package init(
        _ inventory: Source, keeping kept: Set<Asset.Kind> = [], adopting adopts: Bool = false,
        expiredAt expiry: Date? = nil, report: @escaping @Sendable ([Asset]) -> Void
    ) {
        self.inventory = inventory
        self.kept = kept
        self.adopts = adopts
        self.expiry = expiry
        self.report = report
    }

    package func plan(_ found: Inventory) -> RemovalPlan {
        RemovalPlan(
            expiry.map { found.assets.expired(at: $0) } ?? found.assets, order: Source.removalOrder, keeping: kept,
            adopting: adopts)
    }

    /// Removes the planned assets, then searches again. In the meantime, an export that finished may have left an
    /// object, and an image that was being created may have left a snapshot.
    /// - Returns: The number of removed assets.
    /// - Throws: `Failure` if an asset could not be removed; `LeftBehind` if the task was canceled.
    package func remove(_ plan: RemovalPlan) async throws -> Int {
        var plan = plan
        var left: [Leftover] = []
        var total = 0
        var gone = 0
        for _ in 1...Self.rounds {
            let leftovers = await run(plan)
            left += leftovers
            total += plan.count(besides: [])
            gone += plan.count(besides: leftovers)
            if leftovers.contains(where: \.isInterrupted) {
                throw LeftBehind(cause: CancellationError(), leftovers: lines(left))
            }
            let known = Set(left.map(\.asset.place))
            plan = self.plan(try await inventory.find())
            plan.waves = plan.waves.map { $0.filter { !known.contains($0.place) } }.filter { !$0.isEmpty }
            if plan.isEmpty { break }
        }
        guard left.isEmpty else {
            throw Failure(
                .failed, "\(left.count) of \(total) assets could not be removed", details: lines(left),
                advice: "fix the problem and run the command again to remove the remaining assets")
        }
        return gone
    }

    private static var rounds: Int { 3 }
    private static var shown: Int { 20 }

    /// Two lines for each leftover: the reason, and the command that removes it.
    private func lines(_ left: [Leftover]) -> [String] {
        let lines = left.prefix(Self.shown).flatMap { leftover in
            [
                "\(leftover.asset.kind.rawValue) \(leftover.asset.id): \(leftover.reason)",
                "  remove it with: \(inventory.manualCommand(for: leftover.asset))",
            ]
        }
        return lines + (left.count > Self.shown ? ["and \(left.count - Self.shown) more"] : [])
    }
}

/// One round of removal, wave by wave.
extension AssetRemover {
    /// Removes the assets of a plan. If the task is canceled, running batches finish and all other assets are left.
    /// - Returns: The assets of the plan that were not removed.
    func run(_ plan: RemovalPlan) async -> [Leftover] {
        var left: [Leftover] = []
        for wave in plan.waves {
            let standing = Set(left.map(\.asset.place))
            let blocked = wave.filter { $0.parentPlace.map(standing.contains) ?? false }
            left += blocked.map { Leftover($0, reason: "\($0.parent ?? "") is still there") }
            let waiting = Set(blocked.map(\.place))
            left += await remove(wave: wave.filter { !waiting.contains($0.place) })
        }
        return left
    }

    private func remove(wave: [Asset]) async -> [Leftover] {
        await withTaskGroup(of: [Leftover].self) { group in
            for batch in inventory.batches(of: wave) { group.addTask { await remove(batch: batch) } }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func remove(batch: [Asset]) async -> [Leftover] {
        func all(_ reason: String, isInterrupted: Bool = false) -> [Leftover] {
            batch.map { Leftover($0, reason: reason, isInterrupted: isInterrupted) }
        }
        if Task.isCancelled { return all("interrupted before it was its turn", isInterrupted: true) }
        do {
            let left = try await inventory.remove(batch)
            let places = Set(left.map(\.asset.place))
            let gone = batch.filter { !places.contains($0.place) }
            if !gone.isEmpty { report(gone) }
            return left
        } catch is CancellationError {
            return all("interrupted while it was being removed", isInterrupted: true)
        } catch {
            return all("\(error)")
        }
    }
}
