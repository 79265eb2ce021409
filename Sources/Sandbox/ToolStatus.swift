/// An external program that `dss` runs, and whether this machine has it.
package struct ToolStatus: Sendable, Equatable, Codable {
    package var name: String
    /// What the program itself says; `nil` where it is not installed.
    package var version: String?
    /// The Debian or Ubuntu package that brings it.
    package var package: String
    /// The stage or command that cannot do without it, in words.
    package var neededFor: String

    package init(name: String, version: String?, package: String, neededFor: String) {
        self.name = name
        self.version = version
        self.package = package
        self.neededFor = neededFor
    }
}
