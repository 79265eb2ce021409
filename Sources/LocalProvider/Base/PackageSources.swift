import Sandbox

/// The package sources of a base system: those that it is built from, and those that the finished image has.
///
/// They are two things. A build uses what is near, with what this host knows about it: mirrors of an intranet,
/// passwords, exceptions for snapshots. An image goes to people who have none of that.
struct PackageSources: Sendable, Equatable {
    /// May contain user names and passwords.
    var build: [AptSource]
    var image: [AptSource]
    private let keyring: String

    init(_ base: SandboxDefinition.BaseSystem, host: [String: String]) {
        build = base.buildSources(host: host)
        image = base.imageSources
        keyring = base.distribution.keyring
    }

    /// The sources of the build for a program on this host, in deb822 format.
    func buildText(keyrings isThere: (String) -> Bool) -> String {
        build.map { $0.text(keyrings: isThere) }.joined(separator: "\n")
    }

    /// What the sources of the build mean for the result: the same for everyone who may read them.
    var buildIdentity: String {
        build.map { source in
            var source = source
            source.uris = source.uris.map(SandboxDefinition.BaseSystem.withoutCredentials)
            return source.text { _ in true }
        }.joined(separator: "\n")
    }

    /// `/etc/apt/sources.list` of the image.
    ///
    /// The classic file, because a build can replace it by a setting of apt (`Dir::Etc::sourcelist`) while the sources
    /// that roles add to `sources.list.d` stay in effect, and because cloud-init writes its own sources over it.
    var imageList: String {
        "# See sources.list(5).\n" + image.map { $0.lines(keyrings: isInImage) }.joined()
    }

    /// Only the distribution's own keyring is guaranteed to exist in the image.
    private func isInImage(_ keyring: String) -> Bool { keyring == self.keyring }

    /// The sources of the build as the build machine reaches them: `10.0.2.2` is the host, and the directories of
    /// `directoriesOfHost` are mounted.
    var machineList: String {
        build.map { source in
            var source = source
            source.uris = source.uris.map(uriInMachine)
            return source.lines(keyrings: isInImage)
        }.joined()
    }

    /// Whether the machine names a source differently from the host, so that it cannot use the host's package lists.
    var differInMachine: Bool { build.flatMap(\.uris).contains { uriInMachine($0) != $0 } }

    /// Whether the machine needs access to a server on the host's loopback.
    var needHostLoopback: Bool { machineList.contains(MachineNetwork.hostAddress) }

    /// The directories of this host that contain packages, in the order of their numbers in the machine.
    var directoriesOfHost: [String] {
        build.flatMap(\.uris).compactMap(Self.directory).reduce(into: []) { all, directory in
            if !all.contains(directory) { all.append(directory) }
        }
    }

    /// The path in the machine of one of `directoriesOfHost`.
    static func pathInMachine(directory number: Int) -> String { "\(MachineFiles.packages)/mirror\(number)" }

    private func uriInMachine(_ uri: String) -> String {
        guard let directory = Self.directory(uri), let number = directoriesOfHost.firstIndex(of: directory) else {
            return seenFromMachine(uri)
        }
        return "\(Self.copies)//\(Self.pathInMachine(directory: number))"
    }

    /// apt copies the packages of these URIs. Those of `file:` it hands to dpkg where they are, which dpkg in the new
    /// root cannot see.
    fileprivate static let copies = "copy:"

    private static func directory(_ uri: String) -> String? {
        uri.hasPrefix("\(copies)//") ? String(uri.dropFirst(copies.count + 2)) : nil
    }
}

extension SandboxDefinition.BaseSystem.Distribution {
    /// The components of the archive; most third-party sources have different ones.
    fileprivate var components: Set<String> {
        switch self {
        case .debian: ["main", "contrib", "non-free", "non-free-firmware"]
        case .ubuntu: ["main", "restricted", "universe", "multiverse"]
        }
    }

    fileprivate var pockets: [String] { ["", "-updates", "-security", "-backports"] }

    /// Path of the keyring installed by the distribution's keyring package.
    var keyring: String { "/usr/share/keyrings/\(rawValue)-archive-keyring.gpg" }
}

extension SandboxDefinition.BaseSystem {
    /// The host's sources that belong to this distribution and suite; empty if they do not include the suite itself.
    ///
    /// A third-party source may use the same suite and component names. Therefore an entry must also be signed by the
    /// distribution's keyring or, if it names no keyring, have the distribution's name in the path of its URI.
    func ownSources(in host: [String: String]) -> [AptSource] {
        let own = host.keys.sorted().flatMap { AptSource.parse(host[$0]!, file: $0) }.compactMap { entry in
            var entry = entry
            entry.suites = entry.suites.filter { name in distribution.pockets.contains { suite + $0 == name } }
            entry.uris = entry.uris.flatMap { mirrors($0, host) }.filter { uri in
                !["cdrom:", "file:", "copy:"].contains(where: uri.hasPrefix)
            }
            let isForUs = entry.architectures.isEmpty || entry.architectures.contains(architecture.rawValue)
            return isForUs && !entry.suites.isEmpty && !entry.uris.isEmpty && isOwn(entry) ? entry : nil
        }
        return own.contains { $0.suites.contains(suite) } ? own : []
    }

    private func isOwn(_ entry: AptSource) -> Bool {
        guard !entry.components.isEmpty, entry.components.allSatisfy(distribution.components.contains) else {
            return false
        }
        if let key = entry.signedBy {
            return key.split(separator: "/").last?.hasPrefix("\(distribution.rawValue)-archive-") == true
        }
        let places = [distribution.rawValue, "\(distribution.rawValue)-security", "\(distribution.rawValue)-ports"]
        return entry.uris.allSatisfy { $0.split(separator: "/").contains { places.contains(String($0)) } }
    }

    /// Resolves a mirror list: cloud images name a file with mirrors instead of a mirror.
    private func mirrors(_ uri: String, _ host: [String: String]) -> [String] {
        let prefix = ["mirror+file://", "mirror+file:"].first(where: uri.hasPrefix)
        guard let prefix, let list = host[String(uri.dropFirst(prefix.count))] else { return [uri] }
        return list.split(whereSeparator: \.isNewline).compactMap { line in
            line.hasPrefix("#") ? nil : line.split(whereSeparator: \.isWhitespace).first.map(String.init)
        }
    }

    /// The sources to build from.
    fileprivate func buildSources(host: [String: String]) -> [AptSource] {
        let usesHost = mirror == "host"
        var sources = usesHost ? ownSources(in: host) : [archive(at: mirror)]
        if sources.isEmpty { sources = publicSources }
        let security = securityMirror ?? (usesHost ? nil : distribution == .debian ? publicSecurity : mirror)
        guard let security, hasPockets else { return sources }
        sources = sources.compactMap { source in
            var source = source
            source.suites.removeAll { $0 == "\(suite)-security" }
            return source.suites.isEmpty ? nil : source
        }
        return security == "none" ? sources : sources + [securityArchive(at: security)]
    }

    fileprivate var imageSources: [AptSource] {
        guard sources == .mirror, mirror != "host" else { return publicSources }
        return withoutCredentials.buildSources(host: [:])
    }

    private var publicSources: [AptSource] {
        var sources = [archive(at: publicArchive)]
        if hasPockets { sources.append(securityArchive(at: publicSecurity)) }
        return sources.map { source in
            var source = source
            if distribution == .ubuntu { source.components = ["main", "restricted", "universe", "multiverse"] }
            return source
        }
    }

    private var publicArchive: String {
        switch distribution {
        case .debian: "http://deb.debian.org/debian"
        case .ubuntu: architecture == .amd64 ? "http://archive.ubuntu.com/ubuntu" : ubuntuPorts
        }
    }

    private var publicSecurity: String {
        switch distribution {
        case .debian: "http://deb.debian.org/debian-security"
        case .ubuntu: architecture == .amd64 ? "http://security.ubuntu.com/ubuntu" : ubuntuPorts
        }
    }

    /// The archive of all architectures but amd64.
    private var ubuntuPorts: String { "http://ports.ubuntu.com/ubuntu-ports" }

    /// Debian's unstable release gets its updates directly.
    private var hasPockets: Bool { !["sid", "unstable"].contains(suite) }

    private func archive(at url: String) -> AptSource {
        source(url, hasPockets ? [suite, "\(suite)-updates"] : [suite])
    }

    private func securityArchive(at url: String) -> AptSource { source(url, ["\(suite)-security"]) }

    private func source(_ url: String, _ suites: [String]) -> AptSource {
        let isLocal = url.hasPrefix("file:")
        return AptSource(
            uris: [isLocal ? PackageSources.copies + url.dropFirst("file:".count) : url], suites: suites,
            components: distribution == .debian ? ["main"] : ["main", "universe"], signedBy: distribution.keyring)
    }
}
