import Sandbox
import Workbench

/// A running machine on this host. A value: `keep` returns the restarted machine as a new one.
package struct LocalMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let stepsDone: Int
    package let buildEnvironment: [String: String]
    package let missing: [MissingComponent]
    /// Deterministic from the asset id and the state directory: names the machine and its network namespace.
    package var name: String { build.name }
    /// What the console of the machine said.
    package var consoleLog: String { build.path("console.log") }

    package let build: Build
    /// The read-only trees below the machine's own changes, the base first.
    let trees: [CachedTree]
    let plan: MachinePlan
}
