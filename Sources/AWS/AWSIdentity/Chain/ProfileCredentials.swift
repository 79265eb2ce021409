import AWSCore
import AWSServices
import FoundationEssentials

/// Looks for the credentials of a profile in the order of the AWS CLI: role, web identity, single sign-on, keys in the
/// credentials file, process, keys in the configuration file.
struct ProfileCredentials: Sendable {
    let chain: CredentialChain

    private static let keyNames = ["aws_access_key_id", "aws_secret_access_key"]

    /// - Parameter usesEnvironment: whether web identity variables take precedence over the profile's settings.
    func route(_ profile: Profile, usesEnvironment: Bool) throws -> CredentialLookup {
        try route(profile, visited: [profile.name], usesEnvironment: usesEnvironment)
    }

    private func route(_ profile: Profile, visited: [String], usesEnvironment: Bool = false) throws -> CredentialLookup
    {
        isRole(profile)
            ? .route(try role(of: profile, visited)) : try plain(profile, usesEnvironment: usesEnvironment)
    }

    private func isRole(_ profile: Profile) -> Bool {
        profile.has("role_arn") && !profile.has("web_identity_token_file")
    }

    private func plain(_ profile: Profile, usesEnvironment: Bool) throws -> CredentialLookup {
        if let route = try webIdentity(profile, usesEnvironment: usesEnvironment) { return .route(route) }
        if let route = try SingleSignOn.route(profile, chain) { return .route(route) }
        if let route = try keys(profile, in: profile.credentials) { return .route(route) }
        if let route = try CredentialProcess.route(profile, chain.world) { return .route(route) }
        if let route = try keys(profile, in: profile.configuration) { return .route(route) }
        if profile.has("login_session") {
            return .nothing("login_session is not supported; export keys with 'aws configure export-credentials'")
        }
        return .nothing("no access key, role, web identity, single sign-on or credential_process")
    }

    /// Key and secret must come from the same file; those of the two files are never mixed.
    private func keys(_ profile: Profile, in file: [String: INIFile.Entry]) throws -> CredentialRoute? {
        guard let id = file["aws_access_key_id"] else { return nil }
        guard let secret = file["aws_secret_access_key"] else {
            throw profile.mistake("aws_access_key_id", "aws_access_key_id has no matching aws_secret_access_key")
        }
        for entry in [id, secret] where entry.value.isEmpty || entry.value.contains(where: \.isWhitespace) {
            throw IdentityError(
                .files, "profile '\(profile.name)' is invalid",
                details: ["\(entry.place.full): error: a key must not be empty or contain whitespace"])
        }
        return CredentialRoute(
            Credentials(
                accessKeyID: id.value, secretAccessKey: secret.value,
                sessionToken: (file["aws_security_token"] ?? file["aws_session_token"])?.value,
                origin: "profile \(profile.name), \(id.place.short)"))
    }

    private func webIdentity(_ profile: Profile, usesEnvironment: Bool) throws -> CredentialRoute? {
        let find = { (variable: String, key: String) in
            (usesEnvironment ? chain.world.setting(variable) : nil) ?? profile.setting(key)
        }
        guard let file = find("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else { return nil }
        guard let role = find("AWS_ROLE_ARN", "role_arn") else {
            throw IdentityError(
                .credentials, "no role for the web identity (\(file.origin))",
                advice: "set AWS_ROLE_ARN, or role_arn in the profile")
        }
        let world = chain.world
        return WebIdentity(
            role: role.value, sessionName: find("AWS_ROLE_SESSION_NAME", "role_session_name")?.value,
            origin: "web identity, \(file.origin)", cache: world,
            token: {
                try world.token(in: file.value, for: "web identity, \(file.origin)")
            }, chain: chain
        ).route
    }

    private func role(of profile: Profile, _ visited: [String]) throws -> CredentialRoute {
        let source = profile.entry("source_profile")?.value
        let place = profile.entry("credential_source")?.value
        switch (source, place) {
        case (_?, _?):
            throw profile.mistake("credential_source", "source_profile and credential_source are mutually exclusive")
        case (nil, nil):
            throw profile.mistake("role_arn", "role_arn requires source_profile or credential_source")
        case (nil, let place?):
            return try AssumedRole(profile, source: route(credentialSource: place, profile), chain).route
        case (let source?, nil):
            return try AssumedRole(profile, source: route(sourceProfile: source, profile, visited), chain).route
        }
    }

    /// A profile may be its own source if it has keys in addition to the role; any other cycle is an error.
    private func route(sourceProfile name: String, _ parent: Profile, _ visited: [String]) throws -> CredentialRoute {
        guard let source = chain.files.profiles[name] else {
            var error = parent.mistake("source_profile", "there is no profile '\(name)'")
            error.unknown = .init(name: name, known: chain.files.profiles.keys.sorted())
            throw error
        }
        let hasKeys = Self.keyNames.contains { source.has($0) }
        if visited.contains(name), name != parent.name || !hasKeys {
            throw parent.mistake(
                "source_profile", "source_profile cycle: \((visited + [name]).joined(separator: " → "))")
        }
        let found =
            hasKeys
            ? try plain(source, usesEnvironment: false) : try route(source, visited: visited + [name])
        switch found {
        case .route(let route): return route
        case .nothing(let missing):
            throw parent.mistake("source_profile", "profile '\(name)' has no credentials: \(missing)")
        }
    }

    private func route(credentialSource name: String, _ profile: Profile) throws -> CredentialRoute {
        let world = chain.world
        let found: CredentialLookup
        switch name {
        case "Environment": found = try world.environmentKeys()
        case "EcsContainer": found = try world.containerCredentials()
        case "Ec2InstanceMetadata": return InstanceMetadata(world, chain.choice.profile).route
        default:
            throw profile.mistake(
                "credential_source", "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata")
        }
        switch found {
        case .route(let route): return route
        case .nothing(let missing):
            throw IdentityError(
                .credentials, "profile '\(profile.name)' uses credential_source \(name), but \(missing)")
        }
    }
}

/// A user-configured program that prints credentials.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
enum CredentialProcess {
    static func route(_ profile: Profile, _ world: IdentityWorld) throws -> CredentialRoute? {
        guard let entry = profile.entry("credential_process"), !entry.value.isEmpty else { return nil }
        guard let words = shellWords(entry.value), !words.isEmpty else {
            throw profile.mistake("credential_process", "credential_process has an unterminated quote")
        }
        let origin = "credential_process of profile \(profile.name), \(entry.place.short)"
        return CredentialRoute(origin: origin) { _ in
            let output: String
            do { output = try await world.runProcess(words) } catch let failure as CredentialProcessFailure {
                throw IdentityError(.credentials, "the \(origin) \(failure.reason)")
            }
            let (credentials, version) = try CredentialDocument.credentials(output.utf8, origin: origin)
            guard version == 1 else {
                throw IdentityError(.credentials, "the \(origin) does not print a document of version 1")
            }
            return try world.expectGood(credentials, advice: "log in where that program needs it, then try again")
        }
    }
}

/// A role assumed with the credentials of another profile or source, with an MFA code if the role requires one.
struct AssumedRole: Sendable {
    private let role: String
    private let sessionName: String?
    private let externalID: String?
    private let mfaSerial: String?
    private let duration: Int?
    private let source: CredentialRoute
    private let origin: String
    private let chain: CredentialChain

    init(_ profile: Profile, source: CredentialRoute, _ chain: CredentialChain) throws {
        role = profile.entry("role_arn")?.value ?? ""
        sessionName = profile.entry("role_session_name")?.value
        externalID = profile.entry("external_id")?.value
        mfaSerial = profile.entry("mfa_serial")?.value
        duration = try profile.entry("duration_seconds").map { entry in
            guard let seconds = Int(entry.value), seconds > 0 else {
                throw profile.mistake("duration_seconds", "duration_seconds must be a number of seconds, such as 3600")
            }
            return seconds
        }
        self.source = source
        self.chain = chain
        let place = profile.setting("role_arn")?.origin ?? profile.name
        origin = "role of \(place), assumed from \(source.origin)"
    }

    var route: CredentialRoute {
        let keeper = source.keeper(chain.world)
        return CredentialRoute(origin: origin) { refused in try await fetch(keeper, insteadOf: refused) }
    }

    private func fetch(_ source: CredentialCache, insteadOf refused: Credentials?) async throws -> Credentials {
        let cache = RoleCache(parameters, chain.world)
        if let cached = cache.load(origin: origin), cached.accessKeyID != refused?.accessKeyID { return cached }
        var call = STS.AssumeRole(roleArn: role, roleSessionName: sessionName ?? defaultSessionName(chain.world))
        call.durationSeconds = duration
        call.externalId = externalID
        if let mfaSerial {
            call.serialNumber = mfaSerial
            call.tokenCode = try await chain.world.askMFACode(mfaSerial)
        }
        let issued = try await chain.explaining(origin, hiding: call.tokenCode ?? "") {
            try await chain.client(with: source, hiding: call.tokenCode ?? "").call(call)
        }
        let credentials = issued.credentials(origin)
        cache.store(credentials)
        return credentials
    }

    /// The parameters from which botocore derives the name of its cache file; a generated session name is not included.
    private var parameters: [String: RoleCache.Parameter] {
        var parameters: [String: RoleCache.Parameter] = ["RoleArn": .text(role)]
        parameters["RoleSessionName"] = sessionName.map { .text($0) }
        parameters["ExternalId"] = externalID.map { .text($0) }
        parameters["SerialNumber"] = mfaSerial.map { .text($0) }
        parameters["DurationSeconds"] = duration.map { .number($0) }
        return parameters
    }
}

/// The session name that CloudTrail shows if the user sets none.
func defaultSessionName(_ world: IdentityWorld) -> String {
    "dss-\(Int(world.time.now().timeIntervalSince1970))"
}
