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
