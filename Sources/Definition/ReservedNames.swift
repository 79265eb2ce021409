/// Names that are taken before the definition's own come.
enum ReservedNames {
    /// Accounts and groups that a fresh Debian or Ubuntu with the sandbox's packages has
    /// (`base-passwd`, systemd, dbus, openssh-server, docker, sudo).
    static let accounts: Set<String> = [
        "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
        "backup", "list", "irc", "gnats", "nobody", "_apt", "sshd", "messagebus", "polkitd", "syslog",
        "systemd-network",
        "systemd-resolve", "systemd-timesync", "systemd-coredump", "systemd-journal", "adm", "tty", "disk", "kmem",
        "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "operator", "src", "shadow",
        "utmp",
        "video", "sasl", "plugdev", "staff", "users", "nogroup", "input", "kvm", "render", "sgx", "netdev", "docker",
        "crontab", "ssh", "_ssh",
    ]

    /// Playbook variables that the tool sets itself → what sets them.
    static let variables: [String: String] = [
        "sandbox_user": "'user.name'",
        "jupyter_port": "'ports.jupyter'",
        "build_environment": "the build itself",
        "edition": "the command itself",
        "pins_file": "'playbook.pins'",
        "script_languages_required": "the flag --release",
    ]
}
