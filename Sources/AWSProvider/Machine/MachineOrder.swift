import Sandbox

/// What the machine of a build is to be.
package struct MachineOrder: Sendable {
    package enum Key: Sendable, Equatable {
        /// Made for this build and removed with it.
        case new
        /// A key pair that AWS has and the private key of it, both left as they are.
        case existing(name: String, file: String)
    }

    package var source: SourceImage
    package var instanceType: String
    package var volumeGiB: Int
    /// Who logs in, may become root, and is the sandbox's own user.
    package var user: String
    /// Networks that SSH is let in from; empty for the caller's own address alone.
    package var sshNetworks: [IPNetwork]
    package var key: Key
    /// A configuration of the user's for jump hosts and odd ports, by the machine's address.
    package var sshConfig: String?
    /// What must be running on it, for the pinned versions to fit; `nil` where nobody minds.
    package var base: SandboxDefinition.BaseSystem?

    package init(
        source: SourceImage, instanceType: String, volumeGiB: Int, user: String, sshNetworks: [IPNetwork] = [],
        key: Key = .new, sshConfig: String? = nil, base: SandboxDefinition.BaseSystem? = nil
    ) {
        self.source = source
        self.instanceType = instanceType
        self.volumeGiB = volumeGiB
        self.user = user
        self.sshNetworks = sshNetworks
        self.key = key
        self.sshConfig = sshConfig
        self.base = base
    }
}
