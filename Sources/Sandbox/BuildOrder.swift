/// Complete input of one build: the definition with all flags and environment variables applied.
package struct BuildOrder: Sendable {
    package var assetID: AssetID
    package var definition: SandboxDefinition
    /// Default password; `nil` for a build that sets none: a container, or a machine on which the sandbox is only
    /// installed.
    package var password: DefaultPassword?
    /// Whether every component must be present, as in each release.
    package var isRelease: Bool
    /// Whether the build reads from the cache. Results are written to the cache in either case.
    package var usesCache: Bool
    /// `--new-password`: whether to build anew although a finished build of the same inputs exists, because that has
    /// another default password.
    package var setsNewPassword: Bool
    /// `--only-formats`: whether images of other formats are removed once the images of this build are published.
    package var keepsOnlyItsFormats: Bool
    package var keepsMachineOnFailure: Bool
    /// `--resume`: whether to go on with the machine that was kept after a failure, instead of starting a new one.
    package var resumesKeptMachine: Bool
    /// `--verbose`: whether the output of the tools is also sent as events.
    package var isVerbose: Bool
    package var edition: Edition

    package init(
        assetID: AssetID, definition: SandboxDefinition, password: DefaultPassword?, isRelease: Bool = false,
        usesCache: Bool = true, setsNewPassword: Bool = false, keepsOnlyItsFormats: Bool = false,
        keepsMachineOnFailure: Bool = false, resumesKeptMachine: Bool = false, isVerbose: Bool = false,
        edition: Edition = .vm
    ) {
        self.assetID = assetID
        self.definition = definition
        self.password = password
        self.isRelease = isRelease
        self.usesCache = usesCache
        self.setsNewPassword = setsNewPassword
        self.keepsOnlyItsFormats = keepsOnlyItsFormats
        self.keepsMachineOnFailure = keepsMachineOnFailure
        self.resumesKeptMachine = resumesKeptMachine
        self.isVerbose = isVerbose
        self.edition = edition
    }

    /// Whether the sealed system of an earlier build is used if it has the same inputs.
    package var usesEarlierSystem: Bool { usesCache && !setsNewPassword }
}

/// The default password of the login user, either chosen by a person or generated for this build.
package enum DefaultPassword: Sendable, Equatable {
    case given(Secret)
    case generated(Secret)

    package var secret: Secret {
        switch self {
        case .given(let secret), .generated(let secret): secret
        }
    }

    /// The generated password, which must be shown because the user does not know it yet.
    package var generated: Secret? {
        if case .generated(let secret) = self { secret } else { nil }
    }
}

/// A string that is hidden when the value is printed.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    package let reveal: String
    package var description: String { "•••" }
    package var debugDescription: String { "•••" }

    package init(_ value: String) {
        reveal = value
    }
}

/// The target of a sandbox: a dedicated machine or a container. The playbook receives the raw value.
package enum Edition: String, Sendable, Codable, CaseIterable {
    case vm, container
}
