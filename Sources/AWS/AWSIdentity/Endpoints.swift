import AWSCore

/// Endpoints that the user configured instead of those of AWS, for one service or for all.
///
/// In order of precedence: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's `services` section, the
/// profile's `endpoint_url`. Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
package struct Endpoints: Sendable, Equatable {
    package struct Override: Sendable, Equatable {
        /// Name as in environment variables, `SECRETS_MANAGER`; `nil` for all services.
        package var service: String?
        package var url: Setting
    }

    /// In order of precedence.
    package private(set) var overrides: [Override] = []

    /// - Throws: `IdentityError` if an endpoint is not an HTTP URL, even for a service that is never called.
    init(_ profile: Profile?, _ files: ConfigurationFiles, _ world: IdentityWorld) throws {
        if world.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") { return }
        if let profile, profile.isTrue("ignore_configured_endpoint_urls") { return }
        try takeVariables(world)
        if let profile { try takeSettings(of: profile, files) }
    }

    private mutating func takeVariables(_ world: IdentityWorld) throws {
        let prefix = "AWS_ENDPOINT_URL"
        let names = world.environment.keys.filter { $0.hasPrefix(prefix + "_") }.sorted() + [prefix]
        for name in names {
            guard let setting = world.setting(name) else { continue }
            try check(setting) { IdentityError(.usage, $0) }
            overrides.append(
                Override(service: name == prefix ? nil : String(name.dropFirst(prefix.count + 1)), url: setting))
        }
    }

    private mutating func takeSettings(of profile: Profile, _ files: ConfigurationFiles) throws {
        if let name = profile.entry("services")?.value {
            guard let services = files.services[name] else {
                throw profile.mistake("services", "there is no section [services \(name)]")
            }
            for (service, entry) in services.sorted(by: { $0.key < $1.key }) {
                guard let url = entry.nested?["endpoint_url"] else { continue }
                let setting = Setting(url.value, origin: "services \(name), \(url.place.short)")
                try check(setting) {
                    IdentityError(
                        .files, "services section '\(name)' is invalid", details: ["\(url.place.full): error: \($0)"])
                }
                overrides.append(Override(service: service.uppercased(), url: setting))
            }
        }
        if let url = profile.setting("endpoint_url"), !url.value.isEmpty {
            try check(url) { profile.mistake("endpoint_url", $0) }
            overrides.append(Override(service: nil, url: url))
        }
    }

    /// Rejects an invalid URL without showing it, since it may contain a password.
    private func check(_ url: Setting, _ error: (String) -> IdentityError) throws {
        guard Endpoint(url: url.value, signingRegion: "") == nil else { return }
        throw error("\(url.origin) is not a URL such as http://127.0.0.1:5000")
    }

    package func override(for service: Service) -> Override? {
        overrides.first { $0.service == service.variableName || $0.service == nil }
    }

    package func endpoint(of service: Service, in region: String) -> Endpoint? {
        override(for: service).flatMap {
            Endpoint(url: $0.url.value, signingRegion: service.endpoint(in: region).signingRegion)
        }
    }
}
