/// Every version that the playbook installs, as `pins.yaml` says it.
package struct Pins: Sendable, Equatable {
    package var distribution: String
    package var suite: String
    /// Debian package → exact version.
    package var apt: [String: String]
    /// Environment (`jupyter`, `poetry`) → directly required Python package → version.
    package var pip: [String: [String: String]]
    /// Environment → Python package that comes along → version.
    package var pipLocked: [String: [String: String]]
    /// Repository → tag.
    package var git: [String: String]

    package init(
        distribution: String, suite: String, apt: [String: String], pip: [String: [String: String]],
        pipLocked: [String: [String: String]], git: [String: String]
    ) {
        self.distribution = distribution
        self.suite = suite
        self.apt = apt
        self.pip = pip
        self.pipLocked = pipLocked
        self.git = git
    }
}
