import Sandbox
import Workbench

/// The configuration files for a build's sshd, package indexes and certificates. They are bind-mounted into the
/// machine's /run and never become part of its file system.
///
/// The host's URLs may contain a login. Only root can read the files that have one, and no program gets one as an
/// argument: whatever logs in to the machine finds the URL in its environment (`privateEnvironment`).
struct MachineFiles: Sendable, Equatable {
    /// Directory of the files in the machine.
    static let directory = "/run/dss"
    static let certificates = "\(directory)/ca.crt"
    static let pip = "\(directory)/pip.conf"
    static let apt = "\(directory)/apt.conf"
    /// Directory of the package sources, which modules of Ansible may rewrite with the same contents.
    static let packages = "\(directory)/apt"
    private static let sources = "\(packages)/build.list"
    private static let credentials = "\(directory)/auth.conf"

    /// Units of the image that are not needed during a build. They are skipped by a condition and not masked, because a
    /// masked unit cannot be enabled; starting a skipped unit succeeds and does nothing.
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

    /// The systemd unit of the build's sshd. It restarts, because the script of a package may end all sshd processes.
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
    var sources: PackageSources

    /// Contents of the files by path below `/run/dss`; a path that starts with `system/` is below
    /// `/run/systemd/system`.
    var contents: [String: String] {
        var files = [
            "sshd_config": Self.sshd + setEnvironment,
            "pip.conf": pip.public.text(certificates: host.certificates == nil ? nil : Self.certificates),
            "apt.conf": aptConfiguration, "auth.conf": loginsSeenFromMachine(host.aptCredentials),
            "apt/build.list": sources.machineList,
            "resolv.conf": "nameserver \(MachineNetwork.nameServer)\n",
            "system/dss-sshd.service": Self.unit,
        ]
        files["ca.crt"] = host.certificates
        for unit in Self.skippedUnits { files["system/\(unit).d/dss.conf"] = Self.skip }
        return files
    }

    /// Whether only root may read a file in the machine: what contains a login.
    func isPrivate(_ file: String) -> Bool {
        switch file {
        case "sshd_config", "auth.conf": true
        case "apt.conf": aptConfiguration.contains("@")
        case "apt/build.list": sources.machineList != sources.machineList.withoutCredentials
        default: false
        }
    }

    /// The setting of sshd(8) that gives `privateEnvironment` to every session; empty if there is nothing in it. Only the
    /// first such line of the file counts. For the quotes, see argv_split() in OpenSSH's misc.c.
    private var setEnvironment: String {
        let words = privateEnvironment.sorted { $0.key < $1.key }.map { name, value in
            "\"\(name)=\(value.map { "\"'\\".contains($0) ? "\\\($0)" : String($0) }.joined())\""
        }
        return words.isEmpty ? "" : "SetEnv \(words.joined(separator: " "))\n"
    }

    /// apt's configuration. dpkg need not sync each file, because a machine that loses power is discarded. The sources
    /// of the build replace those of the image, and roles may add others.
    private var aptConfiguration: String {
        (#"DPkg::Options { "--force-unsafe-io"; };"# + "\nDir::Etc::sourcelist \"\(Self.sources)\";\n")
            + "Dir::Etc::netrc \"\(Self.credentials)\";\n"
            + (host.certificates == nil ? "" : "Acquire::https::CAInfo \"\(Self.certificates)\";\n")
            + host.aptSettings.map { "\(aptSettingSeenFromMachine($0));\n" }.joined()
    }

    private var pip: PipSettings { host.pip.seenFromMachine }

    /// Environment for tasks that download packages. Ansible passes it to the machine in the arguments of ssh.
    var environment: [String: String] { variables.filter { !$0.value.contains("@") } }

    /// What else belongs to this environment: the values with a login.
    var privateEnvironment: [String: String] {
        variables.merging(pip.privateEnvironment) { $1 }.filter { $0.value.contains("@") }
            .mapValues { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    }

    private var variables: [String: String] {
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

/// The part of the host's pip configuration that also applies in a machine: package indexes, but no paths of the host.
struct PipSettings: Sendable, Equatable {
    var values: [String: String] = [:]

    private static let inherited = ["index-url", "extra-index-url", "trusted-host", "proxy"]

    /// - Parameter configurations: contents of pip.conf files, the highest precedence last.
    init(configurations: [String], environment: [String: String]) {
        for text in configurations { read(text) }
        for name in Self.inherited {
            if let value = environment[Self.variable(name)], !value.isEmpty { values[name] = value }
        }
    }

    /// The variable by which pip takes a setting from the environment.
    private static func variable(_ name: String) -> String { "PIP_" + name.uppercased().replacing("-", with: "_") }

    /// The settings without a login.
    var `public`: PipSettings {
        var settings = self
        settings.values = values.filter { !$0.value.contains("@") }
        return settings
    }

    /// The settings with a login, as environment variables of pip.
    var privateEnvironment: [String: String] {
        Dictionary(
            uniqueKeysWithValues: values.filter { $0.value.contains("@") }.map { (Self.variable($0.key), $0.value) })
    }

    /// Reads the sections `global` and `install`; values may continue on indented lines.
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
                guard ["global", "install"].contains(section), Self.inherited.contains(String(name)) else { continue }
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
