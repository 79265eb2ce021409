/// One build, wholly decided: the definition and everything that flags and environment said.
package struct BuildOrder: Sendable {
    package var assetID: AssetID
    package var definition: SandboxDefinition
    /// `nil` for a build that sets none: a container, or a machine that is only installed.
    package var password: DefaultPassword?
    /// Nothing may be missing, as in every release.
    package var isRelease: Bool
    /// Nothing is taken from the cache; what is built still goes there.
    package var usesCache: Bool
    package var keepsMachineOnFailure: Bool
    /// `--verbose`: the tools' own output is sent as events too.
    package var isVerbose: Bool
    package var edition: Edition

    package init(
        assetID: AssetID, definition: SandboxDefinition, password: DefaultPassword?, isRelease: Bool = false,
        usesCache: Bool = true, keepsMachineOnFailure: Bool = false, isVerbose: Bool = false, edition: Edition = .vm
    ) {
        self.assetID = assetID
        self.definition = definition
        self.password = password
        self.isRelease = isRelease
        self.usesCache = usesCache
        self.keepsMachineOnFailure = keepsMachineOnFailure
        self.isVerbose = isVerbose
        self.edition = edition
    }
}

/// The default password of the login user, and whether a person chose it or it was made for this build.
package enum DefaultPassword: Sendable, Equatable {
    case given(Secret)
    case generated(Secret)

    package var secret: Secret {
        switch self {
        case .given(let secret), .generated(let secret): secret
        }
    }

    /// The password to show to the user, who does not know it yet.
    package var generated: Secret? {
        if case .generated(let secret) = self { secret } else { nil }
    }
}

/// A string that does not print itself.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    package let reveal: String
    package var description: String { "•••" }
    package var debugDescription: String { "•••" }

    package init(_ value: String) {
        reveal = value
    }
}

/// What a sandbox is made for: a machine of its own, or a container. Known to the playbook by its raw value.
package enum Edition: String, Sendable, Codable, CaseIterable {
    case vm, container
}
