/// `~/.aws/config` and `~/.aws/credentials`, or the files named by AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE.
///
/// Source: `botocore/configloader.py` and `Session.full_config`; a test compares the results with those of botocore.
struct ConfigurationFiles: Sendable {
    /// The paths as shown to users.
    let configurationPath: String
    let credentialsPath: String
    /// The files that exist.
    private(set) var found: [String] = []
    private(set) var profiles: [String: Profile] = [:]
    private(set) var ssoSessions: [String: [String: INIFile.Entry]] = [:]
    private(set) var services: [String: [String: INIFile.Entry]] = [:]
    /// Unrecognized sections of the configuration file, such as `[dev]` without the word `profile`.
    private(set) var strays: [String: Place] = [:]

    /// - Throws: `IdentityError` with all errors in both files.
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
                    + (mistakes.count == 1 ? "an error" : "\(mistakes.count) errors"),
                details: mistakes)
        }
        if let first { take(configuration: first) }
        if let second { take(credentials: second) }
    }

    private static func read(_ path: String, _ world: IdentityWorld) throws -> INIFile? {
        do {
            return try world.readFile(path).map { INIFile($0, path: path, shownPath: world.shown(path)) }
        } catch {
            throw IdentityError(.files, "cannot read \(world.shown(path))", details: ["\(error)"])
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

    /// - Parameter origin: the flag or variable that names the profile.
    /// - Throws: `IdentityError` that lists the known profiles if there is no such profile.
    func profile(_ name: String, from origin: String) throws -> Profile {
        if let profile = profiles[name] { return profile }
        let hint = strays[name].map { "\($0.full): error: [\(name)] must be [profile \(name)] here" }
        throw IdentityError.unknownProfile(name, from: origin, known: profiles.keys.sorted(), hint: hint)
    }

    /// A message that names the files searched for a missing profile.
    var whereabouts: String {
        if found.isEmpty { return "neither \(configurationPath) nor \(credentialsPath) exists" }
        return "not in \(found.joined(separator: " or "))"
    }
}

/// The settings of a profile from both files.
struct Profile: Sendable {
    var name: String
    /// From the configuration file.
    var configuration: [String: INIFile.Entry] = [:]
    /// From the credentials file, which takes precedence.
    var credentials: [String: INIFile.Entry] = [:]

    func entry(_ key: String) -> INIFile.Entry? {
        credentials[key] ?? configuration[key]
    }

    func setting(_ key: String) -> Setting? {
        entry(key).map { Setting($0.value, origin: "profile \(name), \($0.place.short)") }
    }

    func has(_ key: String) -> Bool { entry(key) != nil }

    func isTrue(_ key: String) -> Bool { entry(key)?.value.lowercased() == "true" }

    /// Creates an error for a setting of the profile, with its location.
    func mistake(_ key: String, _ message: String) -> IdentityError {
        let place = entry(key)?.place
        return IdentityError(
            .files, "profile '\(name)' is invalid",
            details: [place.map { "\($0.full): error: \(message)" } ?? message])
    }
}
