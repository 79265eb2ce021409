import Workbench

/// What an inspected system must be: its login user and its name.
package struct ExpectedSystem: Sendable, Equatable {
    package var user: String
    package var hostname: String

    package init(user: String, hostname: String = "sandbox") {
        self.user = user
        self.hostname = hostname
    }

    var home: String { "/home/\(user)" }
}

/// The files whose content is known before the build: who may log in, and what the machine is called.
struct DeclaredContent: Sendable {
    let system: ExpectedSystem

    private static let machineIDs = ["/etc/machine-id", "/var/lib/dbus/machine-id"]

    /// Whether the content of a file is declared. What a package or role writes there does not matter then.
    func declares(_ path: String) -> Bool {
        Self.machineIDs.contains(path) || checks[path] != nil
    }

    /// What is wrong with the content of a declared file; `nil` if it is as declared.
    func mistake(in path: String, _ text: String) -> String? {
        if Self.machineIDs.contains(path) { return text.isEmpty ? nil : "identifies the machine of the build" }
        return checks[path]?(text)
    }

    private var checks: [String: (String) -> String?] {
        [
            "/etc/hostname": { [system] text in
                text.trimmedLine == system.hostname ? nil : "the host name is not '\(system.hostname)'"
            },
            "/etc/hosts": hosts, "/etc/passwd": users, "/etc/shadow": passwords, "/etc/group": groups,
            "/etc/gshadow": groupPasswords, "/etc/subuid": owners, "/etc/subgid": owners,
        ]
    }

    /// Only the loopback addresses and the multicast addresses of IPv6.
    private func hosts(_ text: String) -> String? {
        for line in Self.lines(text) where !line.hasPrefix("#") {
            guard let address = line.split(whereSeparator: \.isWhitespace).first else { continue }
            let isLocal = ["127.", "::1", "fe00::", "ff00::", "ff02::"].contains { address.hasPrefix($0) }
            if !isLocal { return "names the host \(address)" }
        }
        return nil
    }

    /// root, the accounts of services, which cannot log in, and the login user.
    private func users(_ text: String) -> String? {
        for line in Self.lines(text) {
            let fields = Self.fields(line)
            guard fields.count == 7, let id = Int(fields[2]) else { return "has an invalid line" }
            let (name, shell) = (fields[0], fields[6])
            if fields[1] != "x" { return "has a password for \(name)" }
            if name == "root" || name == system.user { continue }
            let isService = (1..<1000).contains(id) || id == 65534
            let cannotLogIn = ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync"]
                .contains(shell)
            if !isService || !cannotLogIn { return "has the user \(name)" }
        }
        return nil
    }

    /// A password for the login user only, which is expired.
    private func passwords(_ text: String) -> String? {
        for line in Self.lines(text) {
            let fields = Self.fields(line)
            guard fields.count == 9 else { return "has an invalid line" }
            if fields[0] == system.user {
                if fields[2] != "0" { return "has a password for \(fields[0]) that is not expired" }
            } else if !(fields[1].hasPrefix("!") || fields[1].hasPrefix("*")) {
                return "has a password for \(fields[0])"
            }
        }
        return nil
    }

    private func groups(_ text: String) -> String? {
        for line in Self.lines(text) {
            let fields = Self.fields(line)
            guard fields.count == 4, let id = Int(fields[2]) else { return "has an invalid line" }
            if id >= 1000, id != 65534, fields[0] != system.user { return "has the group \(fields[0])" }
            let members = fields[3].split(separator: ",").map(String.init)
            if let other = members.first(where: { $0 != system.user }) {
                return "has \(other) in the group \(fields[0])"
            }
        }
        return nil
    }

    private func groupPasswords(_ text: String) -> String? {
        for line in Self.lines(text) {
            let fields = Self.fields(line)
            guard fields.count == 4 else { return "has an invalid line" }
            if !["", "!", "*", "!*"].contains(fields[1]) { return "has a password for the group \(fields[0])" }
        }
        return nil
    }

    private func owners(_ text: String) -> String? {
        Self.lines(text).map { Self.fields($0)[0] }.first { $0 != system.user }.map { "has the user \($0)" }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map(String.init)
    }

    private static func fields(_ line: String) -> [String] {
        line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }
}
