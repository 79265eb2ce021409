/// Where a booted copy of an image answers.
package struct GuestAddress: Sendable, Equatable {
    package var host: String
    package var sshPort: Int
    package var jupyterPort: Int
    /// What the machine printed on its serial console.
    package var consoleLog: String

    package init(host: String, sshPort: Int, jupyterPort: Int, consoleLog: String) {
        self.host = host
        self.sshPort = sshPort
        self.jupyterPort = jupyterPort
        self.consoleLog = consoleLog
    }
}

/// Boots fresh copies of one image, on virtual hardware here or as an instance on AWS, for the checks to log in to.
package protocol GuestHost: Sendable {
    /// What it boots on, for the report: `vmware, BIOS`.
    var hardware: String { get }
    /// What runs the guest's instructions, for the report: `kvm` or `tcg`.
    var accelerator: String { get }

    /// Boots a copy that has never been booted before, and throws it away afterwards.
    /// - Parameter name: tells the copies apart in logs.
    func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result
}
