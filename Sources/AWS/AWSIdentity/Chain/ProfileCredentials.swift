import AWSCore
import AWSServices
import FoundationEssentials

/// What a profile says of its credentials, in the order of the AWS CLI: role, web identity, single sign-on, keys in the
/// credentials file, process, keys in the configuration file.
struct ProfileCredentials: Sendable {
    let chain: CredentialChain

    private static let keyNames = ["aws_access_key_id", "aws_secret_access_key"]

    /// - Parameter usesEnvironment: whether the variables of a web identity come before the profile's.
    func route(_ profile: Profile, usesEnvironment: Bool) throws -> Found {
        try route(profile, visited: [profile.name], usesEnvironment: usesEnvironment)
    }

    private func route(_ profile: Profile, visited: [String], usesEnvironment: Bool = false) throws -> Found {
        isRole(profile)
            ? .route(try role(of: profile, visited)) : try plain(profile, usesEnvironment: usesEnvironment)
    }

    private func isRole(_ profile: Profile) -> Bool {
        profile.has("role_arn") && !profile.has("web_identity_token_file")
    }

    private func plain(_ profile: Profile, usesEnvironment: Bool) throws -> Found {
        if let route = try webIdentity(profile, usesEnvironment: usesEnvironment) { return .route(route) }
        if let route = try SingleSignOn.route(profile, chain) { return .route(route) }
        if let route = try keys(profile, in: profile.credentials) { return .route(route) }
        if let route = try CredentialProcess.route(profile, chain.world) { return .route(route) }
        if let route = try keys(profile, in: profile.configuration) { return .route(route) }
        if profile.has("login_session") {
            return .nothing("login_session is not supported here; 'aws configure export-credentials' gives keys")
        }
        return .nothing(
            "it has no keys, role, web identity, single sign-on or process")
    }

    /// Key and secret of one file belong together; they are not mixed with the other file's.
    private func keys(_ profile: Profile, in file: [String: INIFile.Entry]) throws -> CredentialRoute? {
        guard let id = file["aws_access_key_id"] else { return nil }
        guard let secret = file["aws_secret_access_key"] else {
            throw profile.mistake("aws_access_key_id", "there is no aws_secret_access_key with it")
        }
        for entry in [id, secret] where entry.value.isEmpty || entry.value.contains(where: \.isWhitespace) {
            throw IdentityError(
                .files, "profile '\(profile.name)' cannot be used",
                details: ["\(entry.place.full): error: a key is not empty and has no blanks"])
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
                .credentials, "there is a web identity (\(file.origin)), but no role for it",
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
            throw profile.mistake("credential_source", "source_profile and credential_source exclude each other")
        case (nil, nil):
            throw profile.mistake("role_arn", "a role needs a source_profile or a credential_source with it")
        case (nil, let place?):
            return try AssumedRole(profile, source: route(credentialSource: place, profile), chain).route
        case (let source?, nil):
            return try AssumedRole(profile, source: route(sourceProfile: source, profile, visited), chain).route
        }
    }

    /// A profile may be its own source where it has keys beside the role; any other circle never ends.
    private func route(sourceProfile name: String, _ parent: Profile, _ visited: [String]) throws -> CredentialRoute {
        guard let source = chain.files.profiles[name] else {
            var error = parent.mistake("source_profile", "there is no profile '\(name)'")
            error.unknown = .init(name: name, known: chain.files.profiles.keys.sorted())
            throw error
        }
        let hasKeys = Self.keyNames.contains { source.has($0) }
        if visited.contains(name), name != parent.name || !hasKeys {
            throw parent.mistake(
                "source_profile", "these profiles go in a circle: \((visited + [name]).joined(separator: " → "))")
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
        let found: Found
        switch name {
        case "Environment": found = try world.environmentKeys()
        case "EcsContainer": found = try world.containerCredentials()
        case "Ec2InstanceMetadata": return InstanceMetadata(world, chain.choice.profile).route
        default:
            throw profile.mistake(
                "credential_source", "it must be Environment, EcsContainer or Ec2InstanceMetadata")
        }
        switch found {
        case .route(let route): return route
        case .nothing(let missing):
            throw IdentityError(
                .credentials, "profile '\(profile.name)' takes its credentials from \(name), but \(missing)")
        }
    }
}

/// A program of the user's that prints credentials.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
enum CredentialProcess {
    static func route(_ profile: Profile, _ world: IdentityWorld) throws -> CredentialRoute? {
        guard let entry = profile.entry("credential_process"), !entry.value.isEmpty else { return nil }
        guard let words = shellWords(entry.value), !words.isEmpty else {
            throw profile.mistake("credential_process", "a quote is not closed")
        }
        let origin = "credential_process of profile \(profile.name), \(entry.place.short)"
        return CredentialRoute(origin: origin) { _ in
            let output: String
            do { output = try await world.runProcess(words) } catch let failure as CredentialProcessFailure {
                throw IdentityError(.credentials, "the \(origin) \(failure.reason)")
            }
            let (credentials, version) = try CredentialDocument.credentials(output.utf8, origin: origin)
            guard version == 1 else {
                throw IdentityError(.credentials, "the \(origin) does not print version 1 of its document")
            }
            return try world.expectGood(credentials, advice: "log in to what that program asks, and try again")
        }
    }
}

/// A role that is assumed with the credentials of another profile or place, with an MFA code where it asks for one.
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
                throw profile.mistake("duration_seconds", "it must be a number of seconds, such as 3600")
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

    private func fetch(_ source: CredentialKeeper, insteadOf refused: Credentials?) async throws -> Credentials {
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

    /// What botocore makes the name of its cache file from; a session name that it makes up is not in it.
    private var parameters: [String: RoleCache.Parameter] {
        var parameters: [String: RoleCache.Parameter] = ["RoleArn": .text(role)]
        parameters["RoleSessionName"] = sessionName.map { .text($0) }
        parameters["ExternalId"] = externalID.map { .text($0) }
        parameters["SerialNumber"] = mfaSerial.map { .text($0) }
        parameters["DurationSeconds"] = duration.map { .number($0) }
        return parameters
    }
}

/// Names the session in CloudTrail where the user gives it no name.
func defaultSessionName(_ world: IdentityWorld) -> String {
    "dss-\(Int(world.time.now().timeIntervalSince1970))"
}
