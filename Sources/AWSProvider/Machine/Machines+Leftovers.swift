import AWSServices
import Sandbox

/// The machine of an earlier run, for a run that has no use for it any more.
extension Machines {
    /// Whether an earlier run has left a stack or a key pair of this asset id.
    package func hasLeftovers() async throws -> Bool {
        if let stack = try await stacks({ _ in }).stack(site.stackName), isOurs(stack) { return true }
        return try await keyPair(site.stackName).map { site.owns($0.tags) } ?? false
    }

    /// Begins to remove what an earlier run has left; the undo that is registered for it waits until it is gone.
    package func sweep(undo: Undo, events: @escaping EventSink) async throws {
        let claim = try claim()
        await undo.register("the lock of \(site.assetID)", remedy: site.remedy) { claim.giveBack() }
        guard try await hasLeftovers() else { return }
        events(.notice("removing machine and key pair that an earlier run has left"))
        await beginRemoval(undo: undo, events: events)
    }
}
