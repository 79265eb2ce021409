import Workbench

/// The files that a known step of a build generates, so that no database lists them.
struct GeneratedFiles: Sendable {
    enum Condition: Sendable {
        /// Any content, because it differs with every system.
        case any
        /// No content: the system or a program fills the file later.
        case empty
        /// A symbolic link whose target exists in the system, or is a file of a package that dpkg was told to leave out.
        case link
    }

    struct Rule: Sendable {
        var condition: Condition
        var pattern: PathPattern
        var step: String
    }

    /// Rules by the first component of their pattern.
    private let rules: [String: [Rule]]

    init() {
        var rules: [String: [Rule]] = [:]
        for (step, condition, patterns) in Self.table {
            for pattern in patterns.split(whereSeparator: \.isWhitespace) {
                let pattern = PathPattern(String(pattern))
                rules[pattern.firstComponent ?? "", default: []].append(
                    Rule(condition: condition, pattern: pattern, step: step))
            }
        }
        self.rules = rules
    }

    func rules(for path: String) -> [Rule] {
        let first = path.split(separator: "/", maxSplits: 1).first.map(String.init) ?? ""
        return (rules[first] ?? []).filter { $0.pattern.matches(path) }
    }

    /// Each step with the condition and the patterns of its files.
    private static let table: [(step: String, Condition, patterns: String)] = [
        (
            "dpkg", .any,
            """
            /var/lib/dpkg/status /var/lib/dpkg/available /var/lib/dpkg/arch /var/lib/dpkg/diversions
            /var/lib/dpkg/statoverride /var/lib/dpkg/info/*.list /var/lib/dpkg/info/*.md5sums
            /var/lib/dpkg/info/*.conffiles /var/lib/dpkg/info/*.preinst /var/lib/dpkg/info/*.postinst
            /var/lib/dpkg/info/*.prerm /var/lib/dpkg/info/*.postrm /var/lib/dpkg/info/*.triggers
            /var/lib/dpkg/info/*.shlibs /var/lib/dpkg/info/*.symbols /var/lib/dpkg/info/*.templates
            /var/lib/dpkg/info/*.config /var/lib/dpkg/info/format /var/lib/dpkg/triggers/*
            /var/lib/dpkg/alternatives/* /etc/dpkg/origins/default /var/lib/dpkg/cmethopt
            """
        ),
        ("dpkg", .empty, "/var/lib/dpkg/lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/triggers/Lock"),
        ("update-alternatives", .link, "/etc/alternatives/* /usr/bin/* /usr/sbin/* /usr/share/man/**"),
        ("apt", .any, "/var/lib/apt/extended_states /etc/apt/sources.list"),
        ("apt", .empty, "/var/cache/apt/archives/lock /var/lib/apt/lists/lock /var/lib/apt/daily_lock"),
        ("debconf", .any, "/var/cache/debconf/config.dat /var/cache/debconf/templates.dat"),
        ("debconf", .empty, "/var/cache/debconf/passwords.dat"),
        ("ucf", .any, "/var/lib/ucf/cache/:etc:* /var/lib/ucf/hashfile /var/lib/ucf/registry"),
        // Earlier versions of the two, one for each file that was registered since.
        (
            "ucf", .any,
            """
            /var/lib/ucf/hashfile.0 /var/lib/ucf/hashfile.1 /var/lib/ucf/hashfile.2 /var/lib/ucf/hashfile.3
            /var/lib/ucf/hashfile.4 /var/lib/ucf/hashfile.5 /var/lib/ucf/hashfile.6 /var/lib/ucf/hashfile.7
            /var/lib/ucf/registry.0 /var/lib/ucf/registry.1 /var/lib/ucf/registry.2 /var/lib/ucf/registry.3
            /var/lib/ucf/registry.4 /var/lib/ucf/registry.5 /var/lib/ucf/registry.6 /var/lib/ucf/registry.7
            """
        ),
        (
            "update-initramfs", .any,
            "/boot/initrd.img-* /etc/initramfs-tools/modules /etc/initramfs-tools/conf.d/sandbox"
        ),
        ("kernel", .link, "/initrd.img /vmlinuz /initrd.img.old /vmlinuz.old"),
        (
            "depmod", .any,
            """
            /usr/lib/modules/*/modules.alias /usr/lib/modules/*/modules.alias.bin
            /usr/lib/modules/*/modules.builtin.alias.bin /usr/lib/modules/*/modules.builtin.bin
            /usr/lib/modules/*/modules.dep /usr/lib/modules/*/modules.dep.bin /usr/lib/modules/*/modules.devname
            /usr/lib/modules/*/modules.softdep /usr/lib/modules/*/modules.symbols
            /usr/lib/modules/*/modules.symbols.bin
            """
        ),
        (
            "GRUB", .any,
            """
            /boot/grub/grub.cfg /boot/grub/grubenv /boot/grub/unicode.pf2 /etc/default/grub
            /boot/grub/i386-pc/core.img /boot/grub/i386-pc/boot.img
            """
        ),
        ("ldconfig", .any, "/etc/ld.so.cache /var/cache/ldconfig/aux-cache"),
        ("systemd-hwdb", .any, "/usr/lib/udev/hwdb.bin"),
        (
            "systemd", .link,
            """
            /etc/systemd/system/*.wants/* /etc/systemd/system/*.requires/* /etc/systemd/system/*.service
            /etc/systemd/system/*.socket /etc/systemd/system/*.timer /etc/systemd/user/*.wants/*
            """
        ),
        ("deb-systemd-helper", .any, "/var/lib/systemd/deb-systemd-helper-enabled/*.dsh-also"),
        (
            "deb-systemd-helper", .empty,
            """
            /var/lib/systemd/deb-systemd-helper-enabled/* /var/lib/systemd/deb-systemd-helper-enabled/*.wants/*
            /var/lib/systemd/deb-systemd-helper-masked/*
            """
        ),
        ("systemd", .any, "/var/log/README"),
        ("update-rc.d", .link, "/etc/rc*.d/* /etc/runit/runsvdir/default/*"),
        ("update-ca-certificates", .link, "/etc/ssl/certs/*.pem /etc/ssl/certs/*.0 /etc/ssl/certs/*.1"),
        ("update-ca-certificates", .any, "/etc/ca-certificates.conf /etc/ssl/certs/ca-certificates.crt"),
        (
            "pam-auth-update", .any,
            """
            /etc/pam.d/common-account /etc/pam.d/common-auth /etc/pam.d/common-password /etc/pam.d/common-session
            /etc/pam.d/common-session-noninteractive /var/lib/pam/account /var/lib/pam/auth /var/lib/pam/password
            /var/lib/pam/seen /var/lib/pam/session /var/lib/pam/session-noninteractive
            """
        ),
        (
            "setupcon", .any,
            """
            /etc/console-setup/cached_* /etc/default/console-setup /etc/default/keyboard
            """
        ),
        (
            "update-catalog", .any,
            """
            /etc/xml/*.xml /etc/xml/*.xml.old /etc/xml/catalog /etc/xml/catalog.old /var/lib/xml-core/catalog
            /var/lib/xml-core/polkitd /var/lib/xml-core/xml-core /var/lib/sgml-base/supercatalog
            /var/lib/sgml-base/supercatalog.old
            """
        ),
        ("update-catalog", .link, "/etc/sgml/catalog"),
        ("locales", .any, "/etc/locale.gen /etc/default/locale /usr/lib/locale/locale-archive"),
        ("fontconfig", .any, "/var/cache/fontconfig/*.cache-* /var/cache/fontconfig/CACHEDIR.TAG"),
        ("fontconfig", .link, "/etc/fonts/conf.d/*"),
        ("man-db", .any, "/var/cache/man/**/index.db /var/cache/man/CACHEDIR.TAG"),
        ("update-shells", .any, "/etc/shells /var/lib/shells.state"),
        ("python3", .any, "/etc/python3/debian_config"),
        ("python3", .empty, "/var/lib/python/*_installed"),
        (
            "maintainer scripts", .any,
            """
            /etc/hosts.allow /etc/hosts.deny /etc/modules /etc/networks /etc/ssh/sshd_config /etc/motd /etc/mtab
            """
        ),
        (
            "maintainer scripts", .empty,
            """
            /etc/.pwd.lock /etc/apparmor.d/local/* /etc/environment /etc/security/opasswd
            """
        ),
        ("maintainer scripts", .link, "/usr/local/man /var/spool/mail /usr/lib/ssl/*"),
        (
            "base system", .any,
            """
            /etc/fstab /etc/localtime /etc/timezone /etc/dpkg/dpkg.cfg.d/50-sandbox
            /etc/cloud/cloud.cfg.d/90-dss-sources.cfg
            /dev/console /dev/fd /dev/full /dev/null /dev/ptmx /dev/random /dev/stderr /dev/stdin /dev/stdout /dev/tty
            /dev/urandom /dev/zero
            """
        ),
        ("base system", .empty, "/etc/resolv.conf"),
        ("base system", .link, "/var/lib/dbus/machine-id /bin /sbin /lib /lib32 /lib64 /libx32"),
    ]

    /// Directories that may be empty, although no package has them.
    static let directories: [PathPattern] = [
        "/boot/efi", "/dev/pts", "/dev/shm", "/etc/opt", "/home", "/lost+found", "/media", "/mnt", "/opt", "/proc",
        "/root", "/run", "/run/lock", "/run/lock/subsys", "/run/mount", "/srv", "/sys", "/tmp", "/usr/local/**",
        "/var/cache/private", "/var/lib/private", "/var/lib/python", "/var/log/journal", "/var/log/private",
        "/var/lib/systemd/**", "/var/mail", "/var/opt", "/var/tmp",
    ].map { PathPattern($0) }

    /// Files that are made as copies of packaged files: the path, or a folder, and that of the original.
    static func copies(home: String) -> [(copy: String, original: String)] {
        [
            ("/boot/grub/", "/usr/lib/grub/"), ("\(home)/.", "/etc/skel/."),
            ("/root/.bashrc", "/usr/share/base-files/dot.bashrc"),
            ("/root/.profile", "/usr/share/base-files/dot.profile"),
            ("/etc/profile", "/usr/share/base-files/profile"),
            ("/etc/nsswitch.conf", "/usr/share/libc-bin/nsswitch.conf"),
            ("/etc/inputrc", "/usr/share/readline/inputrc"),
        ]
    }
}
