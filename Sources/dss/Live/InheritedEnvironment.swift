/// The environment variables that the programs of a build inherit.
///
/// It is a list of what is allowed, because each tool has variables that change what it does (`ANSIBLE_…`, `GIT_…`,
/// `PYTHON…`, `QEMU_…`, `SYSTEMD_…`), new versions add more, and none of them is part of a cache key. A tool that needs
/// such a variable gets it in its `Command`. `SHELL` is not among them: ssh runs a `ProxyCommand` by it, and that of a
/// service, such as `/bin/false`, runs nothing.
enum InheritedEnvironment {
    /// Whether programs inherit a variable. Proxies have names in lower and in upper case.
    static func allows(_ name: String) -> Bool {
        guard !Live.secretVariables.contains(name), name != "DSS_DEFAULT_PASSWORD" else { return false }
        return names.contains(name) || proxies.contains(name.lowercased()) || prefixes.contains(where: name.hasPrefix)
    }

    /// Variables that all programs get: a Python of root, under `sudo -E`, neither runs the `usercustomize.py` of the
    /// user nor imports modules from the directory of a script (since 3.11) or those of `pip install --user`.
    static let fixed = ["PYTHONNOUSERSITE": "1", "PYTHONSAFEPATH": "1"]

    /// What programs inherit of the environment of a user.
    static func of(_ environment: [String: String]) -> [String: String] {
        environment.filter { allows($0.key) }.merging(fixed) { $1 }
    }

    private static let proxies: Set = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"]

    /// Locale, our own settings, and AWS settings, which the proxy command of an SSH configuration may need.
    private static let prefixes = ["LC_", "DSS_", "AWS_"]

    private static let names: Set = [
        // Where programs, libraries and files of the user are.
        "PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME", "XDG_STATE_HOME",
        // The person and the terminal.
        "LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY",
        // sudo
        "SUDO_USER", "SUDO_UID", "SUDO_GID",
        // Certificates.
        "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT",
        // pip: package indexes; what it installs is pinned.
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_CONFIG_FILE", "PIP_FIND_LINKS",
        // ssh: the user's agent.
        "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE",
        // docker and skopeo: which daemon, and the logins of registries.
        "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
        "DOCKER_API_VERSION", "REGISTRY_AUTH_FILE",
    ]
}
