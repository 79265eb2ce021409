/// All versions that the playbook installs, as pinned in `pins.yaml`.
package struct Pins: Sendable, Equatable {
    package var distribution: String
    package var suite: String
    /// The architecture for which the apt versions are pinned; `nil` if they apply to all architectures.
    package var architecture: Architecture?
    /// The Python (`3.11`) for which the pip versions were resolved.
    package var python: String?
    /// Debian package → exact version.
    package var apt: [String: String]
    /// Environment (`jupyter`, `poetry`) → directly required Python package, possibly with extras
    /// (`ibis-framework[duckdb]`) → version.
    package var pip: [String: [String: String]]
    /// Environment → transitively required Python package → version.
    package var pipLocked: [String: [String: String]]
    /// Environment → the environment that it is installed on top of: `exasol` → `datascience`.
    package var pipExtends: [String: String]
    /// Environment → Python package that is left out although others require it → reason.
    package var pipExcluded: [String: [String: String]]
    /// Python package that is built from its source distribution because it has no wheel → reason. All others are
    /// installed from wheels, which run no code of theirs.
    package var pipSource: [String: String]
    /// Environment → Python package → SHA-256 of the wheel or source distribution to install, in hexadecimal.
    package var pipSHA256: [String: [String: String]]
    /// Repository → tag.
    package var git: [String: String]

    package init(
        distribution: String, suite: String, architecture: Architecture? = nil, python: String? = nil,
        apt: [String: String], pip: [String: [String: String]], pipLocked: [String: [String: String]],
        pipExtends: [String: String] = [:], pipExcluded: [String: [String: String]] = [:],
        pipSource: [String: String] = [:], pipSHA256: [String: [String: String]] = [:], git: [String: String]
    ) {
        self.distribution = distribution
        self.suite = suite
        self.architecture = architecture
        self.python = python
        self.apt = apt
        self.pip = pip
        self.pipLocked = pipLocked
        self.pipExtends = pipExtends
        self.pipExcluded = pipExcluded
        self.pipSource = pipSource
        self.pipSHA256 = pipSHA256
        self.git = git
    }
    /// The normalized name of a Python package without its extras: `Ibis_Framework[duckdb]` → `ibis-framework`
    /// (PEP 503).
    package static func distribution(_ requirement: String) -> String {
        requirement.prefix { $0 != "[" }.lowercased().replacing(separators, with: "-")
    }

    nonisolated(unsafe) private static let separators = /[-_.]+/

    /// All packages that are pinned for an environment, keyed by the normalized name without extras.
    package func versions(of environment: String) -> [String: String] {
        (pipLocked[environment] ?? [:]).merging(pip[environment] ?? [:]) { $1 }.reduce(into: [:]) {
            $0[Self.distribution($1.key)] = $1.value
        }
    }
}
