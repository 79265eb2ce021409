/// An external program that `dss` runs, and whether it is installed on this host.
package struct ToolStatus: Sendable, Equatable, Codable {
    package var name: String
    /// The version that the program reports; `nil` if it is not installed.
    package var version: String?
    /// The Debian or Ubuntu package that contains the program.
    package var package: String
    /// The stage or command that requires the program, in words.
    package var neededFor: String

    /// The command that repairs the virtual environment in which the program is, but cannot run; `nil` if there is none.
    package var repair: String?

    package init(name: String, version: String?, package: String, neededFor: String, repair: String? = nil) {
        self.name = name
        self.version = version
        self.package = package
        self.neededFor = neededFor
        self.repair = repair
    }
}
