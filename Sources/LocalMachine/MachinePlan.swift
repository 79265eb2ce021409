import Sandbox

/// What a machine is to be: its name, the system below it and the steps that will be installed on it.
package struct MachinePlan: Sendable, Equatable {
    package var assetID: AssetID
    package var base: SandboxDefinition.BaseSystem
    package var profile: BaseProfile
    /// For each step the hash of all that goes into it (playbook part, variables, pins);
    /// the layer of a step is found again only when its own hash and all before it are the same.
    package var steps: [String]
    /// False: nothing is taken from the cache; what is built still goes there.
    package var usesCache: Bool
    /// The machine may reach servers on this host's loopback, at 10.0.2.2: a mirror on the same laptop.
    package var reachesHost: Bool
    /// Sends every line of mmdebstrap as an event.
    package var isVerbose: Bool

    package init(
        assetID: AssetID, base: SandboxDefinition.BaseSystem, profile: BaseProfile = .vm, steps: [String] = [],
        usesCache: Bool = true, reachesHost: Bool = false, isVerbose: Bool = false
    ) {
        self.assetID = assetID
        self.base = base
        self.profile = profile
        self.steps = steps
        self.usesCache = usesCache
        self.reachesHost = reachesHost
        self.isVerbose = isVerbose
    }
}

/// How much of a system a base has.
package enum BaseProfile: String, Sendable, Codable, CaseIterable {
    /// Everything that a disk needs to boot: kernel, initial RAM disk, boot loader, cloud-init.
    case vm
    /// No kernel and no boot loader; Ansible can install on it.
    case container
    /// Just systemd and sshd, for quick tests.
    case tiny
}
