import Workbench

/// A root directory booted as a container: real systemd with process, mount and host names of its own.
struct Nspawn: Sendable, Equatable {
    var name: String
    var root: String
    /// Directory with the files of `MachineFiles`.
    var files: String
    /// Becomes /tmp: on disk, because package builds may need more room there than memory has.
    var temporary: String
    var networkPath: String
    /// Where systemd runs the host, the container gets a scope of its own from it; elsewhere it stays where it is.
    var hasSystemd: Bool

    /// systemd's `SIGRTMIN+14`: power off at once, without stopping one service after the other.
    static let powerOff = "SIGRTMIN+14"

    func command(environment: [String: String?]) -> Command {
        var arguments = [
            "--quiet", "--directory=\(root)", "--boot", "--register=no", "--machine=\(name)", "--hostname=sandbox",
            "--network-namespace-path=\(networkPath)", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            "--settings=no", "--console=pipe", "--kill-signal=\(Self.powerOff)",
            "--bind=\(temporary):/tmp", "--bind-ro=\(files):\(MachineFiles.directory)",
            "--bind-ro=\(files)/system:/run/systemd/system", "--bind-ro=\(files)/resolv.conf:/etc/resolv.conf",
        ]
        if !hasSystemd { arguments.append("--keep-unit") }
        let own: [String: String?] = ["SYSTEMD_NSPAWN_LOCK": "0", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"]
        return Command("systemd-nspawn", arguments, environment: environment.merging(own) { $1 })
    }
}
