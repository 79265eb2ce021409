/// The address and ports of a booted copy of an image.
package struct GuestAddress: Sendable, Equatable {
    package var host: String
    package var sshPort: Int
    /// The port of JupyterLab on `host`. Nothing answers there if JupyterLab is reached through a tunnel only.
    package var jupyterPort: Int
    /// The output of the guest's serial console.
    package var consoleLog: String
    /// Connection to a remote guest; `nil` for a guest on this host, which is reached directly.
    package var remote: Remote?

    package init(host: String, sshPort: Int, jupyterPort: Int, consoleLog: String, remote: Remote? = nil) {
        self.host = host
        self.sshPort = sshPort
        self.jupyterPort = jupyterPort
        self.consoleLog = consoleLog
        self.remote = remote
    }

    /// A remote guest that accepts only SSH connections, so that JupyterLab is reached through a tunnel.
    package struct Remote: Sendable, Equatable {
        /// Accepted host keys, each with type and key. All other keys are rejected.
        package var hostKeys: Set<String>
        /// Absolute path of the user's own SSH configuration for jump hosts and nonstandard ports. Its entries are
        /// looked up by the address of the guest.
        package var sshConfig: String?

        package init(hostKeys: Set<String>, sshConfig: String? = nil) {
            self.hostKeys = hostKeys
            self.sshConfig = sshConfig
        }
    }
}

/// A failure to boot or reach a copy for a reason unrelated to the image, such as a service that does not respond.
package struct GuestHostFailed: Error {
    package let cause: any Error

    package init(_ cause: any Error) { self.cause = cause }
}

/// Boots fresh copies of one image for the checks to log in to, on local virtual hardware or as AWS instances.
package protocol GuestHost: Sendable {
    /// The hardware that the copies boot on, for the report: `vmware, BIOS`.
    var hardware: String { get }
    /// The accelerator that runs the guest's instructions, for the report: `kvm` or `tcg`.
    var accelerator: String { get }

    /// Boots a copy that has never been booted before and discards it afterwards.
    /// - Parameter name: distinguishes the copies in logs.
    /// - Throws: `GuestHostFailed` if the copy cannot be examined for a reason other than the image itself.
    func withGuest<Result: Sendable>(
        _ name: String, _ body: @Sendable (GuestAddress) async throws -> Result
    ) async throws -> Result
}
