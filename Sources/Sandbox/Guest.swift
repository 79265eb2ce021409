/// Where a booted copy of an image answers.
package struct GuestAddress: Sendable, Equatable {
    package var host: String
    package var sshPort: Int
    /// Where JupyterLab is reached from here.
    package var jupyterPort: Int
    /// What the machine printed on its serial console.
    package var consoleLog: String
    /// `nil` for a guest on this machine: nobody stands between.
    package var remote: Remote?

    package init(host: String, sshPort: Int, jupyterPort: Int, consoleLog: String, remote: Remote? = nil) {
        self.host = host
        self.sshPort = sshPort
        self.jupyterPort = jupyterPort
        self.consoleLog = consoleLog
        self.remote = remote
    }

    /// A guest far away that lets in SSH alone, so that JupyterLab is reached through a tunnel.
    package struct Remote: Sendable, Equatable {
        /// Type and key; no others are believed.
        package var hostKeys: Set<String>
        /// JupyterLab's port on the guest; `GuestAddress.jupyterPort` is the tunnel's on this machine.
        package var jupyterPort: Int
        /// A configuration of the user's for jump hosts and odd ports, by the host's address; absolute.
        package var sshConfig: String?

        package init(hostKeys: Set<String>, jupyterPort: Int, sshConfig: String? = nil) {
            self.hostKeys = hostKeys
            self.jupyterPort = jupyterPort
            self.sshConfig = sshConfig
        }
    }
}

/// A copy cannot be shown for a reason that says nothing of the image, such as a service that does not answer.
package struct GuestHostFailed: Error {
    package let cause: any Error

    package init(_ cause: any Error) { self.cause = cause }
}

/// Boots fresh copies of one image, on virtual hardware here or as an instance on AWS, for the checks to log in to.
package protocol GuestHost: Sendable {
    /// What it boots on, for the report: `vmware, BIOS`.
    var hardware: String { get }
    /// What runs the guest's instructions, for the report: `kvm` or `tcg`.
    var accelerator: String { get }

    /// Boots a copy that has never been booted before, and throws it away afterwards.
    /// - Parameter name: tells the copies apart in logs.
    /// - Throws: `GuestHostFailed` where it is not the image that keeps the copy from being looked at.
    func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result
}
