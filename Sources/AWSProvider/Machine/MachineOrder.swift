import Sandbox

/// What the machine of a build is to be.
package struct MachineOrder: Sendable {
    package enum Key: Sendable, Equatable {
        /// Made for this build and removed with it.
        case new
        /// A key pair that AWS has and the private key of it, both left as they are.
        case existing(name: String, file: String)
    }

    /// Which machine of an earlier run will do.
    package enum Reuse: Sendable {
        case any
        /// Not one that is sealed already: nobody would know its password.
        case unsealed
        case none
    }

    package var source: SourceImage
    package var instanceType: String
    package var volumeGiB: Int
    /// Who logs in, may become root, and is the sandbox's own user.
    package var user: String
    /// Networks that SSH is let in from; empty for the caller's own address alone.
    package var sshNetworks: [IPNetwork]
    package var key: Key
    /// A configuration of the user's for jump hosts and odd ports, by the machine's address; absolute.
    package var sshConfig: String?
    /// What must be running on it, for the pinned versions to fit; `nil` where nobody minds.
    package var base: SandboxDefinition.BaseSystem?
    /// Hash of what the sandbox is made from: a machine that was begun with another is made anew.
    package var inputs: String
    package var reuse: Reuse

    package init(
        source: SourceImage, instanceType: String, volumeGiB: Int, user: String, sshNetworks: [IPNetwork] = [],
        key: Key = .new, sshConfig: String? = nil, base: SandboxDefinition.BaseSystem? = nil, inputs: String = "",
        reuse: Reuse = .any
    ) {
        self.source = source
        self.instanceType = instanceType
        self.volumeGiB = volumeGiB
        self.user = user
        self.sshNetworks = sshNetworks
        self.key = key
        self.sshConfig = sshConfig
        self.base = base
        self.inputs = inputs
        self.reuse = reuse
    }
}
