import Sandbox

/// A sandbox that is running for a person, and how to reach it from this host.
package struct RunningSandbox: Sendable, Equatable {
    /// The address of JupyterLab, with its token if that is known.
    package var url: String
    /// The token of JupyterLab; `nil` if it is unknown, for example because a password is set.
    package var token: String?
    package var jupyterPort: Int
    package var shell: Shell
    /// The disk that keeps the changes.
    package var disk: String?

    package enum Shell: Sendable, Equatable {
        /// - Parameter tunnel: the argument of `-L` that opens the tunnel to JupyterLab; `nil` if it needs none.
        case ssh(user: String, port: Int, tunnel: String? = nil)
        /// - Parameter name: the name of the container.
        case docker(name: String, user: String)

        /// The command that opens a shell.
        package var command: String {
            switch self {
            // Every boot of an image generates new host keys, so ssh would reject those of the second boot.
            case .ssh(let user, let port, let tunnel):
                "ssh \(tunnel.map { "-L \($0) " } ?? "")-p \(port) \(user)@localhost "
                    + "-o NoHostAuthenticationForLocalhost=yes"
            // As the user whose environment notebooks have: the container itself starts as root.
            case .docker(let name, let user): "docker exec -it --user \(user) \(name) bash"
            }
        }

        /// Whether JupyterLab is reached only while the command is connected.
        package var isTunnel: Bool { if case .ssh(_, _, _?) = self { true } else { false } }
    }

    /// - Parameters:
    ///   - port: the port of JupyterLab on this host, which can be that of a tunnel.
    ///   - link: the address of JupyterLab as the sandbox shows it; `nil` if it shows none.
    package init(port: Int, link: JupyterLink?, shell: Shell, disk: String? = nil) {
        url = "http://localhost:\(port)\(link?.path ?? "/lab")"
        token = link?.token
        jupyterPort = port
        self.shell = shell
        self.disk = disk
    }
}

/// What happens to a sandbox that runs for a person.
package enum RunEvent: Sendable, Equatable {
    /// The image or container, and what it runs on.
    case starting(String, on: String)
    case warning(String)
    /// The current activity, which replaces the previous one.
    case progress(String)
    case ready(RunningSandbox)
    case stopping
    /// The sandbox has ended, by itself or after `stopping`.
    case stopped
}

/// The address of JupyterLab in the output of a sandbox: on the console of a machine, or in the log of a container.
package struct JupyterLink: Sendable, Equatable {
    /// The path and query: `/lab?token=…`.
    package var path: String
    package var token: String?

    /// The last address with a token, else the last address.
    /// - Parameter port: JupyterLab's port in the sandbox.
    package init?(in output: String, port: Int) {
        // A console contains control sequences, so only printable ASCII characters belong to an address.
        let address = /http:\/\/(?:\[[0-9a-f:]+\]|[A-Za-z0-9.\-]+):(\d+)(\/[\x21-\x7e]*)?/
        let links = output.matches(of: address).compactMap { match in
            Int(match.output.1) == port ? Self(path: match.output.2.map(String.init) ?? "/lab") : nil
        }
        guard let link = links.last(where: { $0.token != nil }) ?? links.last else { return nil }
        self = link
    }

    private init(path: String) {
        let end = path.lastIndex { !".,;:)'\"".contains($0) } ?? path.startIndex
        self.path = String(path[...end])
        token = self.path.firstMatch(of: /[?&]token=([A-Za-z0-9._~-]+)/).map { String($0.output.1) }
    }
}
