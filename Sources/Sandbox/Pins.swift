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
    /// Environment (`jupyter`, `poetry`) → directly required Python package → version.
    package var pip: [String: [String: String]]
    /// Environment → transitively required Python package → version.
    package var pipLocked: [String: [String: String]]
    /// Repository → tag.
    package var git: [String: String]

    package init(
        distribution: String, suite: String, architecture: Architecture? = nil, python: String? = nil,
        apt: [String: String], pip: [String: [String: String]], pipLocked: [String: [String: String]],
        git: [String: String]
    ) {
        self.distribution = distribution
        self.suite = suite
        self.architecture = architecture
        self.python = python
        self.apt = apt
        self.pip = pip
        self.pipLocked = pipLocked
        self.git = git
    }
}
