/// What a build takes over from this host: where packages come from and whom to trust on the way.
package struct HostSettings: Sendable, Equatable {
    /// Contents of apt's source files by path.
    package var aptSources: [String: String]
    /// Contents of pip's configuration files, the strongest last.
    package var pipConfigurations: [String]
    /// The CA bundle, with the host's own additions.
    package var certificates: String?
    /// `http_proxy` and its family, `PIP_*`, as the environment has them.
    package var environment: [String: String]

    package init(
        aptSources: [String: String] = [:], pipConfigurations: [String] = [], certificates: String? = nil,
        environment: [String: String] = [:]
    ) {
        self.aptSources = aptSources
        self.pipConfigurations = pipConfigurations
        self.certificates = certificates
        self.environment = environment
    }

    /// Reads the settings of this host.
    /// - Parameter root: another root directory, for tests.
    package static func read(environment: [String: String], root: String = "") -> HostSettings {
        HostSettings(environment: environment)
    }
}
