import Sandbox

/// Rules for values that become part of the system inside the image.
extension Rule<String> {
    static var sandboxName: Rule {
        text(
            "a short name", allowed: "1 to 64 letters, digits, dots, spaces, underscores and dashes",
            example: "data-science-sandbox",
            where: { $0.wholeMatch(of: /[A-Za-z0-9](?:[A-Za-z0-9._ \-]{0,62}[A-Za-z0-9])?/) != nil })
    }

    /// The version is the default asset id, so the same rule applies.
    static var version: Rule {
        text("a version", allowed: "a version that is a valid asset id", example: "0.1.0") {
            version throws(InvalidValue) in
            do { _ = try AssetID(version) } catch let failure as Failure {
                throw InvalidValue(
                    "is the default asset id, but \(failure.message)", failure.advice ?? "for example 0.1.0")
            } catch {
                throw InvalidValue("is not a valid asset id: \(error)")
            }
        }
    }

    static var suite: Rule {
        text(
            "a release code name", allowed: "a release code name in lowercase letters", example: "bookworm",
            suggestion: { DidYouMean.suggestion(for: $0, among: Suites.all) },
            where: { $0.wholeMatch(of: /[a-z][a-z0-9\-]*/) != nil })
    }

    static var mirror: Rule {
        mirror(
            or: "host", example: "https://deb.debian.org/debian",
            explanation: "or host for the mirror that this machine uses")
    }

    static var securityMirror: Rule {
        mirror(
            or: "none", example: "https://deb.debian.org/debian-security",
            explanation: "or none for a mirror without security updates")
    }

    /// A URL, or a word that stands for something else.
    private static func mirror(or word: String, example: String, explanation: String) -> Rule {
        let allowed = "an http, https or file URL, or '\(word)'"
        var rule = text("a URL or '\(word)'", allowed: allowed, example: example) { mirror throws(InvalidValue) in
            guard !mirror.contains(MaskedURL.mask) else {
                throw InvalidValue(
                    "contains \(MaskedURL.mask), which `dss definition` prints instead of user name and password",
                    "write the user name and the password")
            }
            if mirror == word || isURL(mirror) { return }
            var suggestion = "for example \(example), \(explanation)"
            if mirror.contains(where: { "?#".contains($0) }) {
                suggestion =
                    "remove the query: apt requests files below the URL, which may have a user name and a password"
            } else if mirror.contains("@") {
                suggestion =
                    "encode special characters, for example / in a password as %2F, @ as %40 and a space as %20"
            } else if DidYouMean.closest(to: mirror, among: [word]) != nil {
                suggestion = "did you mean '\(word)'?"
            } else if mirror.wholeMatch(of: /[a-z0-9.\-]+\.[a-z]+(?:\/\S*)?/) != nil {
                suggestion = "did you mean 'https://\(mirror)'?"
            }
            throw InvalidValue(
                "must be \(allowed), found '\(MaskedURL.refused(mirror))'", suggestion)
        }
        rule.write = { .string(MaskedURL.text($0)) }
        return rule
    }

    /// Whether a URL names a host and a folder, so that what is not its login is no secret: an `@` in the path would be
    /// the end of a password with a slash, and a query may contain a token.
    private static func isURL(_ mirror: String) -> Bool {
        let http =
            /https?:\/\/(?:[^\/\s"'?#]+@)?(?:[^\/\s"'?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?:\/[^\s"'?#@]*)?/
        return mirror.wholeMatch(of: http) != nil || mirror.wholeMatch(of: /file:\/\/\/[^\s"']+/) != nil
    }

    /// A name that Debian's `useradd` accepts and that is not an existing system account or group.
    static var userName: Rule {
        let allowed = "1 to 32 lowercase letters, digits, dashes and underscores, starting with a letter"
        return text(
            "a user name", allowed: "\(allowed); not a system account or group", example: "ubuntu"
        ) { name throws(InvalidValue) in
            if ReservedNames.accounts.contains(name) {
                throw InvalidValue(
                    "must not be '\(name)', which is a system account or group", "for example ubuntu")
            }
            guard name.wholeMatch(of: /[a-z_][a-z0-9_\-]{0,31}/) != nil else {
                throw InvalidValue("must be \(allowed), found '\(name)'", "for example ubuntu")
            }
        }
    }

    static func path(example: String) -> Rule {
        text("a path", example: example) { path throws(InvalidValue) in
            if path.isEmpty || path.contains("\0") || path.contains("\n") {
                throw InvalidValue("must be a path", "for example \(example)")
            }
        }
    }

    static var roleName: Rule {
        text("a role name", allowed: "a role of the playbook", example: "jupyter") { role throws(InvalidValue) in
            if role.isEmpty { throw InvalidValue("must not contain an empty role name", "for example jupyter") }
        }
    }
}

extension Rule<Int> {
    static func port(example: String) -> Rule {
        integer(1...65535, example: example, except: [22: "sshd listens there"])
    }
}

/// A URL as it is printed: nobody but apt needs its user name and its password.
enum MaskedURL {
    static let mask = "•••"

    static func text(_ url: String) -> String {
        let bare = SandboxDefinition.BaseSystem.withoutCredentials(url)
        return bare == url ? url : bare.replacing("://", with: "://\(mask)@", maxReplacements: 1)
    }

    /// A text that is no valid URL, so that nobody knows where in it a secret ends.
    static func refused(_ text: String) -> String {
        let (scheme, rest) =
            text.firstRange(of: "://").map { (text[..<$0.upperBound], text[$0.upperBound...]) } ?? ("", text[...])
        let query = rest.firstIndex { "?#".contains($0) }
        switch (rest.lastIndex(of: "@"), query) {
        case (nil, nil): return text
        case (_?, _?): return "\(scheme)\(mask)"
        case (nil, let query?): return "\(scheme)\(rest[...query])\(mask)"
        case (let at?, nil): return "\(scheme)\(mask)\(rest[at...])"
        }
    }
}

/// Names that a definition cannot use.
enum ReservedNames {
    /// Accounts and groups that exist on a fresh Debian or Ubuntu with the sandbox's packages
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

    /// Playbook variables that the tool sets itself → the source of their value.
    static let variables: [String: String] = [
        "sandbox_user": "'user.name'",
        "jupyter_port": "'ports.jupyter'",
        "build_environment": "the build itself",
        "edition": "the command itself",
        "pins_file": "'playbook.pins'",
        "script_languages_required": "the flag --release",
    ]
}

/// The known code names of releases, to detect a suite of the wrong distribution.
///
/// A suite in neither list is accepted, because new ones appear every six months.
enum Suites {
    static let debian: Set<String> = [
        "buster", "bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable",
    ]
    static let ubuntu: Set<String> = [
        "bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute",
    ]
    static let all = debian.union(ubuntu)

    static func known(of distribution: SandboxDefinition.BaseSystem.Distribution) -> Set<String> {
        switch distribution {
        case .debian: debian
        case .ubuntu: ubuntu
        }
    }

    /// The suite if only the distribution is set.
    static func defaultSuite(of distribution: SandboxDefinition.BaseSystem.Distribution) -> String {
        switch distribution {
        case .debian: "bookworm"
        case .ubuntu: "jammy"
        }
    }
}
