import Sandbox
import Workbench

/// The files of a build's own sshd, package index and certificates: bound into the machine's /run, never in its file system.
struct MachineFiles: Sendable, Equatable {
    /// Where they are in the machine.
    static let directory = "/run/dss"
    static let certificates = "\(directory)/ca.crt"
    static let pip = "\(directory)/pip.conf"
    static let apt = "\(directory)/apt.conf"

    /// Services of the image that have nothing to do during a build. They are not masked, because a masked unit cannot
    /// be enabled, but skipped: starting one succeeds and does nothing.
    static let skippedUnits = [
        "ssh.service", "ssh.socket", "docker.service", "docker.socket", "containerd.service",
        "systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service",
        "systemd-resolved.service", "systemd-timesyncd.service", "systemd-udev-settle.service",
        "systemd-remount-fs.service",
        "NetworkManager.service", "NetworkManager-wait-online.service", "NetworkManager-dispatcher.service",
        "networking.service", "cloud-init-local.service", "cloud-init.service", "cloud-init-network.service",
        "cloud-init-main.service", "cloud-config.service", "cloud-final.service", "cloud-init-hotplugd.socket",
        "apt-daily.timer", "apt-daily-upgrade.timer", "apt-daily.service", "apt-daily-upgrade.service",
        "unattended-upgrades.service", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "logrotate.timer",
        "dpkg-db-backup.timer", "man-db.timer", "motd-news.timer", "snapd.service", "snapd.socket",
        "snapd.seeded.service", "multipathd.service", "multipathd.socket", "ModemManager.service",
        "wpa_supplicant.service", "getty@.service", "console-getty.service",
    ]

    static let skip = "[Unit]\nConditionPathExists=!\(directory)\n"

    static let sshd = """
        Port \(MachineNetwork.sshPort)
        ListenAddress 127.0.0.1
        HostKey \(directory)/host_key
        AuthorizedKeysFile \(directory)/authorized_keys
        PermitRootLogin prohibit-password
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM yes
        PrintMotd no
        UseDNS no
        MaxSessions 100
        MaxStartups 100
        PidFile none
        Subsystem sftp internal-sftp

        """

    /// Restarted when a package's script ends all sshd's.
    static let unit = """
        [Unit]
        Description=sshd of the image build
        After=sysinit.target

        [Service]
        RuntimeDirectory=sshd
        RuntimeDirectoryPreserve=yes
        ExecStart=/usr/sbin/sshd -D -e -f \(directory)/sshd_config
        Restart=always
        RestartSec=100ms

        """

    var host: HostSettings

    /// Files by their path below `/run/dss` and, where it begins with `system/`, `/run/systemd/system`.
    var contents: [String: String] {
        var files = [
            "sshd_config": Self.sshd,
            "pip.conf": pip.text(certificates: host.certificates == nil ? nil : Self.certificates),
            "apt.conf": aptConfiguration, "resolv.conf": "nameserver \(MachineNetwork.nameServer)\n",
            "system/dss-sshd.service": Self.unit,
        ]
        files["ca.crt"] = host.certificates
        for unit in Self.skippedUnits { files["system/\(unit).d/dss.conf"] = Self.skip }
        return files
    }

    /// dpkg need not sync each file: a machine that loses power is thrown away.
    private var aptConfiguration: String {
        (#"DPkg::Options { "--force-unsafe-io"; };"# + "\n")
            + (host.certificates == nil ? "" : "Acquire::https::CAInfo \"\(Self.certificates)\";\n")
            + host.aptProxies.map { "\(seenFromMachine($0));\n" }.joined()
    }

    private var pip: PipSettings {
        var pip = host.pip
        pip.values = pip.values.mapValues(seenFromMachine)
        return pip
    }

    /// For tasks that load packages.
    var environment: [String: String] {
        var variables = host.proxies
        variables["PIP_CONFIG_FILE"] = Self.pip
        variables["APT_CONFIG"] = Self.apt
        let pip = pip.values
        variables["UV_DEFAULT_INDEX"] = pip["index-url"]
        variables["UV_INDEX"] = pip["extra-index-url"]
        variables["UV_INSECURE_HOST"] = pip["trusted-host"]
        guard host.certificates != nil else { return variables }
        for name in ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"] {
            variables[name] = Self.certificates
        }
        return variables
    }
}

/// What of the host's pip configuration holds in a machine too: where packages are, not where files of the host lie.
struct PipSettings: Sendable, Equatable {
    var values: [String: String] = [:]

    private static let taken = ["index-url", "extra-index-url", "trusted-host", "proxy"]

    /// - Parameter configurations: contents of pip.conf files, the strongest last.
    init(configurations: [String], environment: [String: String]) {
        for text in configurations { read(text) }
        for name in Self.taken {
            let variable = "PIP_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
            if let value = environment[variable], !value.isEmpty { values[name] = value }
        }
    }

    /// The sections `global` and `install`; values may go on in indented lines.
    private mutating func read(_ text: String) {
        var section = ""
        var last: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let content = String(line).trimmedLine
            guard !content.isEmpty, !content.hasPrefix("#"), !content.hasPrefix(";") else { continue }
            if content.hasPrefix("[") {
                section = content.filter { $0 != "[" && $0 != "]" }
                last = nil
            } else if line.first!.isWhitespace, let name = last {
                values[name] = [values[name] ?? "", content].filter { !$0.isEmpty }.joined(separator: " ")
            } else if let separator = content.firstIndex(where: { "=:".contains($0) }) {
                let name = String(content[..<separator]).trimmedLine.lowercased().map { $0 == "_" ? "-" : $0 }
                last = nil
                guard ["global", "install"].contains(section), Self.taken.contains(String(name)) else { continue }
                last = String(name)
                values[last!] = String(content[content.index(after: separator)...]).trimmedLine
            }
        }
    }

    /// The `pip.conf` of the machine.
    func text(certificates: String?) -> String {
        (["[global]"] + (certificates.map { ["cert = \($0)"] } ?? [])
            + values.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }).joined(separator: "\n") + "\n"
    }
}
