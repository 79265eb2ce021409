import Sandbox

// What the settings of the host call loopback has another address in the machine's user-mode network. Every setting that
// names a server must follow the server there: its exceptions and its logins, too.

/// Rewrites a loopback address of the host to its address in the machine: in a URL, in the login of a URL, or without a
/// scheme at the beginning, as in `127.0.0.1:3128`.
func seenFromMachine(_ url: String) -> String {
    let bare = url.contains("//") || url.contains("@") ? [] : ["127.0.0.1", "localhost"]
    if let local = bare.first(where: url.hasPrefix), isEnd(url.dropFirst(local.count)) {
        return MachineNetwork.hostAddress + url.dropFirst(local.count)
    }
    return ["//127.0.0.1", "//localhost", "@127.0.0.1", "@localhost"].reduce(url) { url, local in
        guard let range = url.firstRange(of: local), isEnd(url[range.upperBound...]) else { return url }
        return url[..<range.lowerBound] + local.prefix { "/@".contains($0) } + MachineNetwork.hostAddress
            + url[range.upperBound...]
    }
}

/// Whether the name of a host has ended.
private func isEnd(_ rest: Substring) -> Bool { rest.first.map { ":/\"".contains($0) } ?? true }

/// Adds the host's address in the machine to the value of `no_proxy`, with the same port, if it exempts loopback.
func exceptionsSeenFromMachine(_ list: String) -> String {
    let entries = list.split { $0 == "," || $0.isWhitespace }.map(String.init)
    let added = entries.compactMap { entry -> String? in
        let host = entry.prefix { !":/".contains($0) }
        guard host == "localhost" || host == ".localhost" || host.hasPrefix("127.") else { return nil }
        // What follows a slash is the length of a network.
        let port = entry.dropFirst(host.count).prefix { $0 != "/" }
        return MachineNetwork.hostAddress + port
    }
    let new = added.reduce(into: [String]()) { if !entries.contains($1), !$0.contains($1) { $0.append($1) } }
    return new.isEmpty ? list : (entries + new).joined(separator: ",")
}

/// Rewrites the names of hosts in a file of logins: apt_auth.conf(5).
func loginsSeenFromMachine(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).reduce(into: (text: [String](), keyword: "")) {
        result, line in
        guard line.drop(while: \.isWhitespace).first != "#" else { return result.text.append(String(line)) }
        var words: [String] = []
        for word in line.split(omittingEmptySubsequences: false, whereSeparator: \.isWhitespace).map(String.init) {
            words.append(result.keyword == "machine" ? seenFromMachine(word) : word)
            guard !word.isEmpty else { continue }
            // The word after a keyword is its value, whatever it is: a password may be "machine".
            let isKeyword = result.keyword.isEmpty && ["machine", "login", "password", "account"].contains(word)
            result.keyword = isKeyword ? word : ""
        }
        result.text.append(words.joined(separator: " "))
    }.text.joined(separator: "\n")
}

/// Rewrites a setting of apt, also one for a single host: `Acquire::http::Proxy::127.0.0.1 "DIRECT"`.
func aptSettingSeenFromMachine(_ setting: String) -> String {
    let name = setting.prefix { !$0.isWhitespace }
    let local = ["::127.0.0.1", "::localhost"].first(where: name.hasSuffix)
    let seen = local.map { "\(name.dropLast($0.count))::\(MachineNetwork.hostAddress)" } ?? String(name)
    return seenFromMachine(seen + setting[name.endIndex...])
}

extension PipSettings {
    /// The settings as they hold in a machine. pip trusts any server on loopback, so an index there must be named as
    /// trusted when it gets another address.
    var seenFromMachine: PipSettings {
        var settings = self
        settings.values = values.mapValues { value in
            value.split(whereSeparator: \.isWhitespace).map { LocalProvider.seenFromMachine(String($0)) }
                .joined(separator: " ")
        }
        let trusted = settings.values["trusted-host"]?.split(separator: " ").map(String.init) ?? []
        let plain = settings.indexes.compactMap(Self.plainHost).reduce(into: [String]()) {
            if !trusted.contains($1), !$0.contains($1) { $0.append($1) }
        }
        let all = trusted + plain
        if !all.isEmpty { settings.values["trusted-host"] = all.joined(separator: " ") }
        return settings
    }

    /// The URLs of package indexes.
    private var indexes: [String] {
        ["index-url", "extra-index-url"].compactMap { values[$0] }
            .flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    }

    /// The URLs of the servers that pip asks.
    var urls: [String] { indexes + [values["proxy"]].compactMap(\.self) }

    /// The host and the port of an index on this host that is served without TLS.
    private static func plainHost(_ url: String) -> String? {
        guard url.hasPrefix("http://") else { return nil }
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" }
        let server = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let host = MachineNetwork.hostAddress
        return server == host || server.hasPrefix("\(host):") ? String(server) : nil
    }
}
