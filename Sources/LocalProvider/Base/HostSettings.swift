import FoundationEssentials
import Sandbox
import Workbench

/// Settings that a build takes from this host: package sources, proxies and trusted certificates.
package struct HostSettings: Sendable, Equatable {
    /// Contents of apt's source files and of mirror lists, by path.
    package var aptSources: [String: String]
    /// The user names and passwords of archives: apt_auth.conf(5).
    package var aptCredentials: String
    /// Contents of pip's configuration files, the highest precedence last.
    package var pipConfigurations: [String]
    /// The host's CA bundle, including locally added certificates.
    package var certificates: String?
    /// apt's settings for proxies and the validity of archives, such as `Acquire::http::Proxy "…"`.
    package var aptSettings: [String]
    /// The environment, for proxies and pip's settings.
    package var environment: [String: String]

    package init(
        aptSources: [String: String] = [:], aptCredentials: String = "", pipConfigurations: [String] = [],
        certificates: String? = nil, aptSettings: [String] = [], environment: [String: String] = [:]
    ) {
        self.aptSources = aptSources
        self.aptCredentials = aptCredentials
        self.pipConfigurations = pipConfigurations
        self.certificates = certificates
        self.aptSettings = aptSettings
        self.environment = environment
    }

    /// Reads the settings of this host.
    /// - Parameters:
    ///   - root: alternative root directory, for tests.
    ///   - runner: runs apt-config to get the proxies.
    package static func read(
        environment: [String: String], root: String = "", runner: any CommandRunner
    ) async -> HostSettings {
        let text = { (path: String) in try? readText(root + path) }
        let files = { (directory: String, endings: [String]) in
            ((try? FileManager.default.contentsOfDirectory(atPath: root + directory)) ?? [])
                .filter { name in endings.contains(where: name.hasSuffix) }.map { "\(directory)/\($0)" }
        }
        let sources =
            ["/etc/apt/sources.list"] + files("/etc/apt/sources.list.d", [".list", ".sources"])
            + files("/etc/apt/mirrors", [".list"])
        let credentials = (["/etc/apt/auth.conf"] + files("/etc/apt/auth.conf.d", [".conf"]).sorted()).compactMap(text)
        let home = environment["HOME"] ?? "/root"
        let pip = ["/etc/pip.conf", "\(home)/.pip/pip.conf", "\(home)/.config/pip/pip.conf"]
        let bundles =
            ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"].compactMap { environment[$0] }
            + ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        let apt = try? await runner.execute(Command("apt-config", ["dump", "Acquire"]))
        return HostSettings(
            aptSources: Dictionary(uniqueKeysWithValues: sources.compactMap { path in text(path).map { (path, $0) } }),
            aptCredentials: credentials.map { $0 + "\n" }.joined(),
            pipConfigurations: (pip + [environment["PIP_CONFIG_FILE"]].compactMap(\.self)).compactMap(text),
            certificates: bundles.lazy.compactMap(text).first,
            aptSettings: aptSettings(inDump: apt?.standardOutput ?? ""), environment: environment)
    }

    /// The lines of `apt-config dump` that name a proxy, also the one for a single host (`Acquire::http::Proxy::HOST`), or
    /// say which archives are valid, without the semicolon.
    static func aptSettings(inDump text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[1] != #""";"# else { return nil }
            let name = parts[0].lowercased().split(separator: ":").map(String.init)
            guard name.dropFirst(2).first == "proxy" || validity.contains(name.dropFirst().first ?? "") else {
                return nil
            }
            return line.hasSuffix(";") ? String(line.dropLast()) : String(line)
        }
    }

    /// Settings below `Acquire::` about the age and the signature of an archive, as a snapshot needs them.
    private static let validity: Set = [
        "check-valid-until", "check-date", "max-validtime", "min-validtime", "max-futuretime",
        "allowinsecurerepositories", "allowweakrepositories",
    ]

    var pip: PipSettings { PipSettings(configurations: pipConfigurations, environment: environment) }

    /// The host's proxies as seen from a machine, where the host's loopback is 10.0.2.2.
    var proxies: [String: String] {
        let names = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"]
        let all = (names + names.map { $0.uppercased() }).compactMap { name in
            environment[name].map {
                (name, name.lowercased() == "no_proxy" ? exceptionsSeenFromMachine($0) : seenFromMachine($0))
            }
        }
        return Dictionary(uniqueKeysWithValues: all.filter { !$0.1.isEmpty })
    }

    /// Whether the machine needs access to a server on the host's loopback. A server that is only trusted, or exempt
    /// from the proxy, is not needed.
    var needsHostLoopback: Bool {
        let urls = proxies.filter { $0.key.lowercased() != "no_proxy" }.values + pip.seenFromMachine.urls
        return (urls + aptSettings.map(seenFromMachine)).contains { $0.contains(MachineNetwork.hostAddress) }
    }
}

extension HostSettings {
    /// The sources to build a base system from, in apt's deb822 format.
    package func sourcesText(for base: SandboxDefinition.BaseSystem) -> String {
        PackageSources(base, host: aptSources).buildText(keyrings: fileExists)
    }
}

extension SandboxDefinition {
    /// Whether a playbook variable contains the address of this host as seen from the build machine.
    package var namesHost: Bool {
        playbook.variables.values.contains { $0.mentions(MachineNetwork.hostAddress) }
    }
}

extension Variable {
    fileprivate func mentions(_ text: String) -> Bool {
        switch self {
        case .string(let value): value.contains(text)
        case .list(let values): values.contains { $0.mentions(text) }
        case .map(let values): values.values.contains { $0.mentions(text) }
        case .integer, .boolean: false
        }
    }
}
