import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Claims the asset id, then base → deepest cached layer → running machine that answers on SSH.
    package func start(_ plan: MachinePlan, undo: Undo, events: @escaping EventSink) async throws -> LocalMachine {
        throw Failure(.bug, "not yet")
    }

    /// Keeps the state after the next step of the plan as a layer of the cache and goes on from there.
    package func keep(
        _ machine: LocalMachine, missing: [MissingComponent], events: @escaping EventSink
    ) async throws -> LocalMachine {
        throw Failure(.bug, "not yet")
    }

    /// Shuts the machine down; its root is readable below the returned path until the undo runs.
    package func halt(_ machine: LocalMachine, events: @escaping EventSink) async throws -> String {
        throw Failure(.bug, "not yet")
    }

    /// Everything that builds have here now: in use, or orphaned where the build is gone.
    package func leftovers() async throws -> [Asset] {
        throw Failure(.bug, "not yet")
    }

    /// Removes what a dead build of this asset id left; nothing to remove is fine.
    /// - Returns: what was removed.
    /// - Throws: `Failure(.temporary)` where the build still runs.
    @discardableResult
    package func removeLeftovers(of assetID: String) async throws -> [Asset] {
        throw Failure(.bug, "not yet")
    }
}
