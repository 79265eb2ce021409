/// Every version that the playbook installs, as `pins.yaml` says it.
package struct Pins: Sendable, Equatable {
    package var distribution: String
    package var suite: String
    /// The architecture whose apt versions these are; `nil` where they hold for all.
    package var architecture: Architecture?
    /// The Python (`3.11`) for which the pip versions were resolved.
    package var python: String?
    /// Debian package → exact version.
    package var apt: [String: String]
    /// Environment (`jupyter`, `poetry`) → directly required Python package → version.
    package var pip: [String: [String: String]]
    /// Environment → Python package that comes along → version.
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
