import Sandbox

/// The releases that are known by name, to find a suite that belongs to the other distribution.
///
/// A suite in neither list passes: new ones appear every half a year.
enum Suites {
    static let debian: Set<String> = [
        "buster", "bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable",
    ]
    static let ubuntu: Set<String> = [
        "bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute",
    ]
    static let all = debian.union(ubuntu)

    static func known(of distribution: SandboxDefinition.BaseSystem.Distribution) -> Set<String> {
        switch distribution {
        case .debian: debian
        case .ubuntu: ubuntu
        }
    }

    /// The suite where only the distribution is named.
    static func defaultSuite(of distribution: SandboxDefinition.BaseSystem.Distribution) -> String {
        switch distribution {
        case .debian: "bookworm"
        case .ubuntu: "jammy"
        }
    }
}
