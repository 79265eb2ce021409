import Sandbox
import Workbench

/// Builds machines on this host: base system → cached layers → running machine → kept layers → stopped root.
///
///     let machine = try await factory.start(plan, undo: undo, events: events)
///     …install a step on machine.endpoint…
///     let next = try await factory.keep(machine, missing: missing, events: events)
///     …seal…
///     let root = try await factory.halt(next)   // read-only, until the undo runs
package struct LocalMachineFactory: Sendable {
    package var runner: any CommandRunner
    /// Finished base systems and installed layers, and the working copies that may become some.
    package var cache: ContentCache
    /// Small things of running builds: who builds, keys, logs, configuration.
    package var stateDirectory: String
    package var host: HostSettings

    package init(runner: any CommandRunner, cacheDirectory: String, stateDirectory: String, host: HostSettings) {
        self.runner = runner
        cache = ContentCache(directory: cacheDirectory)
        self.stateDirectory = stateDirectory
        self.host = host
    }
}
