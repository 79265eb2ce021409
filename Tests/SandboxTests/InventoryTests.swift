import FoundationEssentials
import Synchronization
import Testing

@testable import Sandbox

/// An inventory in memory, which removes what it is told to and keeps a record.
private final class FakeInventory: AssetInventory {
    struct State {
        var assets: [Asset]
        /// Ids that cannot be removed, with the reason.
        var stuck: [String: any Error] = [:]
        /// Assets that appear when an asset is removed.
        var successors: [String: Asset] = [:]
        var removed: [[String]] = []
        /// Ids of the assets that the remover reported as gone.
        var told: [String] = []
    }

    let state: Mutex<State>

    init(_ assets: [Asset], stuck: [String: any Error] = [:], successors: [String: Asset] = [:]) {
        state = Mutex(State(assets: assets, stuck: stuck, successors: successors))
    }

    static let removalOrder: [Set<Asset.Kind>] = [[.stack], [.ami, .image], [.snapshot], [.s3Object]]

    func find() async throws -> Inventory { Inventory(assets: state.withLock { $0.assets }) }

    func batches(of wave: [Asset]) -> [[Asset]] {
        wave.filter { $0.kind != .s3Object }.map { [$0] }
            + [wave.filter { $0.kind == .s3Object }].filter { !$0.isEmpty }
    }

    func remove(_ batch: [Asset]) async throws -> [Leftover] {
        try state.withLock { state in
            if batch.count == 1, let error = state.stuck[batch[0].id] { throw error }
            state.removed.append(batch.map(\.id))
            let left = batch.filter { state.stuck[$0.id] != nil }
            let gone = Set(batch.map(\.place)).subtracting(left.map(\.place))
            state.assets.removeAll { gone.contains($0.place) }
            state.assets += batch.compactMap { state.successors.removeValue(forKey: $0.id) }
            return left.map { Leftover($0, reason: "\(state.stuck[$0.id]!)") }
        }
    }

    func manualCommand(for asset: Asset) -> String { "rm \(asset.id)" }

    var told: [String] { state.withLock { $0.told } }
    var removed: [[String]] { state.withLock { $0.removed } }
}

private struct Refused: Error, CustomStringConvertible { let description = "refused" }

@Suite("Removing assets")
struct InventoryTests {
    private func asset(_ kind: Asset.Kind, _ id: String, parent: String? = nil) -> Asset {
        var asset = Asset(kind, assetID: "1.0", id: id, state: "available")
        asset.parent = parent
        return asset
    }

    private func remove(_ inventory: FakeInventory) async throws -> Int {
        let remover = AssetRemover(inventory) { gone in inventory.state.withLock { $0.told += gone.map(\.id) } }
        return try await remover.remove(remover.plan(try await inventory.find()))
    }

    @Test("goes wave by wave, in batches, and says what is gone")
    func order() async throws {
        let inventory = FakeInventory([
            asset(.s3Object, "a"), asset(.s3Object, "b"), asset(.snapshot, "snap", parent: "ami"), asset(.ami, "ami"),
            asset(.stack, "S"),
        ])
        let count = try await remove(inventory)
        #expect(count == 5)
        #expect(inventory.removed == [["S"], ["ami"], ["snap"], ["a", "b"]])
        #expect(inventory.told == ["S", "ami", "snap", "a", "b"])
    }

    @Test("looks again for what came up meanwhile")
    func rounds() async throws {
        let inventory = FakeInventory([asset(.stack, "S")], successors: ["S": asset(.s3Object, "late")])
        let count = try await remove(inventory)
        #expect(count == 2 && inventory.removed == [["S"], ["late"]])
    }

    @Test("does not try what needs something that stays, and names each leftover with its command")
    func leftovers() async throws {
        let inventory = FakeInventory(
            [
                asset(.ami, "ami"), asset(.snapshot, "snap", parent: "ami"), asset(.s3Object, "a"),
                asset(.s3Object, "b"),
            ], stuck: ["ami": Refused(), "b": Refused()])
        let failure = await #expect(throws: Failure.self) { _ = try await remove(inventory) }
        #expect(failure?.code == .failed && failure?.message == "3 of 4 assets could not be removed")
        #expect(
            failure?.details == [
                "ami ami: refused", "  remove it with: rm ami", "snapshot snap: ami is still there",
                "  remove it with: rm snap", "s3-object b: refused", "  remove it with: rm b",
            ])
        #expect(inventory.removed == [["a", "b"]] && inventory.told == ["a"])
    }

    @Test("stops between batches if it is interrupted, and names what is left")
    func interruption() async throws {
        let inventory = FakeInventory([asset(.stack, "S"), asset(.s3Object, "a")], stuck: ["S": CancellationError()])
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await remove(inventory)
        }
        let left = await #expect(throws: LeftBehind.self) { _ = try await task.value }
        #expect(left?.cause is CancellationError)
        #expect(left?.leftovers.first == "stack S: interrupted before it was its turn")
        #expect(left?.leftovers.count == 4 && inventory.removed == [])
        let other = await #expect(throws: LeftBehind.self) { _ = try await remove(inventory) }
        #expect(other?.leftovers.first == "stack S: interrupted while it was being removed")
    }

    @Test("spares what has only our name, with its parts, unless it is adopted")
    func nameOnly() {
        let inOneRegion = { (kind: Asset.Kind, id: String, parent: String?, isNameOnly: Bool) in
            var asset = Asset(kind, in: "eu-central-1", assetID: "1.0", id: id, state: "available")
            (asset.parent, asset.isNameOnly) = (parent, isNameOnly)
            return asset
        }
        let assets = [
            inOneRegion(.ami, "ami-foreign", nil, true), inOneRegion(.snapshot, "snap-foreign", "ami-foreign", false),
            inOneRegion(.keyPair, "key-foreign", nil, true), inOneRegion(.ami, "ami-own", nil, false),
        ]
        let order: [Set<Asset.Kind>] = [[.ami, .keyPair], [.snapshot]]
        let plan = RemovalPlan(assets, order: order)
        #expect(plan.assets.map(\.id) == ["ami-own"])
        #expect(
            plan.spared.map { "\($0.asset.id): \($0.reason)" } == [
                "ami-foreign: it has only the name, not the tag; --adopt removes it too",
                "snap-foreign: ami-foreign uses it, which stays",
                "key-foreign: it has only the name, not the tag; --adopt removes it too",
            ])
        let all = RemovalPlan(assets, order: order, adopting: true)
        #expect(Set(all.assets.map(\.id)) == Set(assets.map(\.id)) && all.spared.isEmpty)
    }

    @Test("spares every asset of an asset id that a running build uses")
    func busy() {
        var machine = Asset(.machine, assetID: "2.0", id: "m", state: .inUse)
        let image = Asset(.image, assetID: "2.0", id: "i", state: .ready)
        let assets = [machine, image, asset(.image, "other")]
        let plan = RemovalPlan(assets, order: FakeInventory.removalOrder)
        #expect(plan.assets.map(\.id) == ["other"])
        #expect(
            plan.spared.map { "\($0.asset.id): \($0.reason)" } == ["m", "i"].map { "\($0): in use by a running build" })
        machine.isInUse = false
        #expect(RemovalPlan([machine, image], order: FakeInventory.removalOrder).spared.isEmpty)
    }

    @Test("an asset is small, because there may be very many")
    func size() {
        #expect(MemoryLayout<Asset>.stride <= 256)
    }
}
