/// `~/.aws/config` and `~/.aws/credentials`, or the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name.
///
/// Source: `botocore/configloader.py` and `Session.full_config`; a test compares both readings.
struct ConfigurationFiles: Sendable {
    /// The paths as people write them.
    let configurationPath: String
    let credentialsPath: String
    /// Which of the two are there.
    private(set) var found: [String] = []
    private(set) var profiles: [String: Profile] = [:]
    private(set) var ssoSessions: [String: [String: INIFile.Entry]] = [:]
    private(set) var services: [String: [String: INIFile.Entry]] = [:]
    /// Sections of the configuration file that are none of these, such as `[dev]` without the word `profile`.
    private(set) var strays: [String: Place] = [:]

    /// - Throws: `IdentityError` with all mistakes of both files.
    init(_ world: IdentityWorld) throws {
        let configuration = world.expanded(world.variable("AWS_CONFIG_FILE") ?? "~/.aws/config")
        let credentials = world.expanded(world.variable("AWS_SHARED_CREDENTIALS_FILE") ?? "~/.aws/credentials")
        configurationPath = world.shown(configuration)
        credentialsPath = world.shown(credentials)
        let first = try Self.read(configuration, world)
        let second = try Self.read(credentials, world)
        let mistakes = (first?.mistakes ?? []) + (second?.mistakes ?? [])
        guard mistakes.isEmpty else {
            let files = [(first, configurationPath), (second, credentialsPath)]
                .filter { $0.0?.mistakes.isEmpty == false }.map(\.1)
            throw IdentityError(
                .files,
                files.joined(separator: " and ") + (files.count == 1 ? " has " : " have ")
                    + (mistakes.count == 1 ? "a mistake" : "\(mistakes.count) mistakes"),
                details: mistakes)
        }
        if let first { take(configuration: first) }
        if let second { take(credentials: second) }
    }

    private static func read(_ path: String, _ world: IdentityWorld) throws -> INIFile? {
        do {
            return try world.readFile(path).map { INIFile($0, path: path, shownPath: world.shown(path)) }
        } catch {
            throw IdentityError(.files, "\(world.shown(path)) cannot be read", details: ["\(error)"])
        }
    }

    private mutating func take(configuration file: INIFile) {
        found.append(configurationPath)
        for section in file.sections {
            let words = shellWords(section.name) ?? []
            if section.name.hasPrefix("profile") {
                if words.count == 2 { profiles[words[1]] = Profile(name: words[1], configuration: section.entries) }
            } else if section.name.hasPrefix("sso-session") {
                if words.count == 2 { ssoSessions[words[1]] = section.entries }
            } else if section.name.hasPrefix("services") {
                if words.count == 2 { services[words[1]] = section.entries }
            } else if section.name == "default" {
                profiles["default"] = Profile(name: "default", configuration: section.entries)
            } else {
                strays[section.name] = section.place
            }
        }
    }

    private mutating func take(credentials file: INIFile) {
        found.append(credentialsPath)
        for section in file.sections {
            profiles[section.name, default: Profile(name: section.name)].credentials = section.entries
        }
    }

    /// - Parameter origin: who wants it: a flag, a variable.
    /// - Throws: `IdentityError` that lists the known ones where it is not there.
    func profile(_ name: String, from origin: String) throws -> Profile {
        if let profile = profiles[name] { return profile }
        let hint = strays[name].map { "\($0.full): error: [\(name)] must be [profile \(name)] here" }
        throw IdentityError.unknownProfile(name, from: origin, known: profiles.keys.sorted(), hint: hint)
    }

    /// Where a profile was looked for in vain.
    var whereabouts: String {
        if found.isEmpty { return "neither \(configurationPath) nor \(credentialsPath) is there" }
        return "not in \(found.joined(separator: " or "))"
    }
}

/// The settings of a profile out of both files.
struct Profile: Sendable {
    var name: String
    /// From the configuration file.
    var configuration: [String: INIFile.Entry] = [:]
    /// From the credentials file, which wins.
    var credentials: [String: INIFile.Entry] = [:]

    func entry(_ key: String) -> INIFile.Entry? {
        credentials[key] ?? configuration[key]
    }

    func setting(_ key: String) -> Setting? {
        entry(key).map { Setting($0.value, origin: "profile \(name), \($0.place.short)") }
    }

    func has(_ key: String) -> Bool { entry(key) != nil }

    func isTrue(_ key: String) -> Bool { entry(key)?.value.lowercased() == "true" }

    /// Where a mistake in it stands.
    func mistake(_ key: String, _ message: String) -> IdentityError {
        let place = entry(key)?.place
        return IdentityError(
            .files, "profile '\(name)' cannot be used",
            details: [place.map { "\($0.full): error: \(message)" } ?? message])
    }
}
