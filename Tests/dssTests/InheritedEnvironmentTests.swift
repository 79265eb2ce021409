import Testing

@testable import dss

@Suite("What the programs of a build inherit")
struct InheritedEnvironmentTests {
    @Test(
        "what changes the result of a tool is not inherited",
        arguments: [
            "ANSIBLE_SSH_ARGS", "ANSIBLE_REMOTE_USER", "ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_ROLES_PATH", "GIT_DIR",
            "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "PYTHONPATH", "PYTHONHOME", "PIP_NO_BINARY", "UV_CONFIG_FILE",
            "QEMU_LD_PREFIX", "SYSTEMD_NSPAWN_LOCK", "DOCKER_DEFAULT_PLATFORM", "MTOOLSRC", "MKE2FS_CONFIG",
            "APT_CONFIG",
            "DEB_VENDOR", "SOURCE_DATE_EPOCH", "TAR_OPTIONS", "ZSTD_CLEVEL", "GZIP", "BASH_ENV", "LD_PRELOAD",
            "OPENSSL_CONF", "NOT_KNOWN_YET", "TAPE", "POSIXLY_CORRECT", "XZ_OPT", "XZ_DEFAULTS", "ZSTD_NBTHREADS",
            "RSYNC_RSH", "GIT_EXTERNAL_DIFF", "GIT_SSL_NO_VERIFY", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP",
            "BASH_FUNC_tar%%", "ENV", "CDPATH", "SHELL", "DU_BLOCK_SIZE", "QUOTING_STYLE", "MTOOLS_LOWER_CASE",
            "UV_INDEX_URL", "NETRC", "CURL_HOME", "E2FSPROGS_FAKE_TIME",
        ])
    func refused(_ name: String) {
        #expect(!InheritedEnvironment.allows(name))
    }

    @Test(
        "proxies, locale, certificates and the user's agent are inherited",
        arguments: [
            "PATH", "HOME", "http_proxy", "HTTPS_PROXY", "no_proxy", "LANG", "LC_ALL", "TZ", "TERM", "SSL_CERT_FILE",
            "PIP_INDEX_URL", "SSH_AUTH_SOCK", "DOCKER_HOST", "DSS_CACHE", "AWS_PROFILE",
        ])
    func inherited(_ name: String) {
        #expect(InheritedEnvironment.allows(name))
    }

    @Test(
        "no Python runs modules of the user or of the current directory, whatever the user set",
        arguments: ["PYTHONNOUSERSITE", "PYTHONSAFEPATH"])
    func python(_ name: String) {
        let inherited = InheritedEnvironment.of(["HOME": "/home/me", name: "", "PYTHONPATH": "/x"])
        #expect(inherited[name] == "1" && inherited["HOME"] == "/home/me" && inherited["PYTHONPATH"] == nil)
    }

    @Test("secrets are not inherited", arguments: Live.secretVariables + ["DSS_DEFAULT_PASSWORD"])
    func secret(_ name: String) {
        #expect(!InheritedEnvironment.allows(name))
    }
}
