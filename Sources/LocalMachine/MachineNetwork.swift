import Workbench

/// A network namespace of the machine's own with a user-mode network: nothing on the host's firewall or routes changes.
package struct MachineNetwork: Sendable, Equatable {
    var name: String

    /// slirp4netns' fixed addresses (its manual page, "CONFIGURE"): the host, and a server that asks the host's resolver.
    package static let hostAddress = "10.0.2.2"
    static let nameServer = "10.0.2.3"
    static let device = "tap0"
    /// Where the machine's sshd listens, on the namespace's loopback.
    static let sshPort = 2222

    var path: String { "/run/netns/\(name)" }

    var add: Command { Command("ip", ["netns", "add", name]) }
    var loopbackUp: Command { Command("ip", ["-n", name, "link", "set", "lo", "up"]) }
    var delete: Command { Command("ip", ["netns", "delete", name]) }
    var defaultRoute: Command { Command("ip", ["-n", name, "-4", "route", "show", "default"]) }

    /// The process that carries the packets; without `hostLoopback` no server on the host's loopback is reached.
    func slirp(hostLoopback: Bool) -> Command {
        Command(
            "slirp4netns",
            ["--configure", "--mtu=65520"] + (hostLoopback ? [] : ["--disable-host-loopback"])
                + ["--netns-type=path", path, Self.device])
    }

    /// How ssh gets at the namespace's loopback.
    var proxyCommand: String { "nsenter --net=\(path) nc 127.0.0.1 \(Self.sshPort)" }

    func isSlirp(_ commandLine: [String]) -> Bool {
        commandLine.first.map(baseName) == "slirp4netns" && commandLine.contains(path)
    }
}
