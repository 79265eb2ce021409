import Sandbox
import Workbench

extension HostSettings {
    /// The sources that a base system is built from, as a file in apt's deb822 format.
    /// - Throws: `Failure` where the host has none for this release and the definition names no mirror.
    package func sourcesText(for base: SandboxDefinition.BaseSystem) throws -> String {
        guard let sources = base.sources(host: aptSources) else {
            throw Failure(
                .badData, "this machine has no package sources for \(base.distribution.rawValue) \(base.suite)",
                advice: "name a mirror: --set base.mirror=URL")
        }
        return sources.map { $0.text(keyrings: fileExists) }.joined(separator: "\n")
    }
}
