import Sandbox
import Workbench

/// A running machine on this host. A value: `keep` returns the restarted machine as a new one.
package struct LocalMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let buildEnvironment: [String: String]
    package let plan: MachinePlan
    package let build: Build
    /// The read-only trees below the machine's own changes, the base first.
    package let trees: [CachedTree]
    /// The process of the container.
    let process: BackgroundProcess

    package var stepsDone: Int { trees.count - 1 }
    package var missing: [MissingComponent] { trees.last?.missing ?? [] }
    /// Deterministic from the asset id and the state directory: names the machine and its network namespace.
    package var name: String { build.name }
    /// What the machine's console said.
    package var consoleLog: String { build.path("console.log") }
}

extension Build {
    /// The tree that a machine changes after so many steps.
    func changes(_ step: Int) -> String { "\(workspace)/changes-\(step)" }
    var root: String { "\(workspace)/root" }
    var sealedRoot: String { "\(workspace)/sealed-root" }
}

/// The key of a layer: it is the same only where all below it and all that went into it is the same.
func layerKey(below parent: String, step: String) -> String {
    var hash = ContentHash()
    hash.add("format", "1")
    hash.add("below", parent)
    hash.add("step", step)
    return String(hash.hexDigest.prefix(32))
}
