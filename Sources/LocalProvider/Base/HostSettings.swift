import FoundationEssentials
import Sandbox
import Workbench

/// What a build takes over from this host: where packages come from and whom to trust on the way.
package struct HostSettings: Sendable, Equatable {
    /// Contents of apt's source files, and of the mirror lists that they name, by path.
    package var aptSources: [String: String]
    /// Contents of pip's configuration files, the strongest last.
    package var pipConfigurations: [String]
    /// The CA bundle, with the host's own additions.
    package var certificates: String?
    /// apt's own proxy settings, as `Acquire::http::Proxy "…"`.
    package var aptProxies: [String]
    /// The environment of which proxies and pip's settings are taken.
    package var environment: [String: String]

    package init(
        aptSources: [String: String] = [:], pipConfigurations: [String] = [], certificates: String? = nil,
        aptProxies: [String] = [], environment: [String: String] = [:]
    ) {
        self.aptSources = aptSources
        self.pipConfigurations = pipConfigurations
        self.certificates = certificates
        self.aptProxies = aptProxies
        self.environment = environment
    }

    /// Reads the settings of this host.
    /// - Parameters:
    ///   - root: another root directory, for tests.
    ///   - runner: asks apt for its proxies.
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
        let home = environment["HOME"] ?? "/root"
        let pip = ["/etc/pip.conf", "\(home)/.pip/pip.conf", "\(home)/.config/pip/pip.conf"]
        let bundles =
            ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"].compactMap { environment[$0] }
            + ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        let apt = try? await runner.execute(Command("apt-config", ["dump", "Acquire"]))
        return HostSettings(
            aptSources: Dictionary(uniqueKeysWithValues: sources.compactMap { path in text(path).map { (path, $0) } }),
            pipConfigurations: (pip + [environment["PIP_CONFIG_FILE"]].compactMap(\.self)).compactMap(text),
            certificates: bundles.lazy.compactMap(text).first,
            aptProxies: proxies(inAptConfiguration: apt?.standardOutput ?? ""), environment: environment)
    }

    /// The lines of `apt-config dump` that name a proxy, without the semicolon.
    static func proxies(inAptConfiguration text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased().hasSuffix("::proxy"), parts[1] != #""";"# else { return nil }
            return line.hasSuffix(";") ? String(line.dropLast()) : String(line)
        }
    }

    var pip: PipSettings { PipSettings(configurations: pipConfigurations, environment: environment) }

    /// The proxies of the host as a machine sees them: the host's own loopback is 10.0.2.2 there.
    var proxies: [String: String] {
        let names = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"]
        let all = (names + names.map { $0.uppercased() }).compactMap { name in
            environment[name].map { (name, name.lowercased() == "no_proxy" ? $0 : seenFromMachine($0)) }
        }
        return Dictionary(uniqueKeysWithValues: all.filter { !$0.1.isEmpty })
    }

    /// Whether the machine has to reach a server on the host's loopback.
    var needsHostLoopback: Bool {
        (Array(proxies.values) + (Array(pip.values.values) + aptProxies).map(seenFromMachine))
            .contains { $0.contains(MachineNetwork.hostAddress) }
    }
}

/// An address on the host's loopback as the machine's user-mode network offers it.
func seenFromMachine(_ url: String) -> String {
    ["//127.0.0.1", "//localhost", "@127.0.0.1", "@localhost"].reduce(url) { url, local in
        guard let range = url.firstRange(of: local) else { return url }
        let rest = url[range.upperBound...]
        guard rest.isEmpty || ":/\"".contains(rest.first!) else { return url }
        return url[..<range.lowerBound] + local.prefix { "/@".contains($0) } + MachineNetwork.hostAddress + rest
    }
}

extension HostSettings {
    /// The sources that a base system is built from, as a file in apt's deb822 format.
    /// - Throws: `Failure` where the host has none for this release and the definition names no mirror.
    package func sourcesText(for base: SandboxDefinition.BaseSystem) throws -> String {
        guard let sources = base.sources(host: aptSources) else {
            throw Failure(
                .badData, "this machine has no package sources for \(base.distribution.rawValue) \(base.suite)",
                advice: "name a mirror: --set base.mirror=URL")
        }
        return sources.map { $0.text(keyrings: fileExists) }.joined(separator: "\n")
    }
}

extension SandboxDefinition {
    /// Whether a variable of the playbook names this host as the build machine sees it.
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
