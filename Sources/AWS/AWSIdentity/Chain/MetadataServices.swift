import AWSCore
import FoundationEssentials

/// A request to a credential source that is not an AWS service: instance metadata, the container agent, GitHub.
struct MetadataRequest: Sendable {
    /// Name in errors and logs.
    var name: String
    var method: HTTPRequest.Method = .get
    var url: String
    var headers: [HTTPRequest.Pair] = []
    var timeout: Duration = .seconds(2)
    var attempts = 3
    /// Pause between two attempts.
    var pause: Duration = .seconds(1)

    /// - Returns: the first response without a server error, or the last response.
    /// - Throws: `IdentityError` if no response arrives.
    func send(_ world: IdentityWorld) async throws -> HTTPResponse {
        let request = try request()
        var attempt = 1
        while true {
            do {
                let response = try await observed(request, attempt, world)
                if response.status < 500 || attempt == attempts { return response }
            } catch let error as TransportError {
                if attempt == attempts {
                    throw IdentityError(.unavailable, "no response from \(shownURL) (\(name)): \(error)")
                }
            }
            attempt += 1
            try await world.time.sleep(pause)
        }
    }

    /// The URL without its query, which may hold secrets.
    var shownURL: String { String(url.prefix { $0 != "?" }) }

    private func request() throws -> HTTPRequest {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let endpoint = Endpoint(url: String(parts[0]), signingRegion: "") else {
            throw IdentityError(.usage, "\(name): the address is not an HTTP URL")
        }
        var bare = endpoint
        bare.basePath = ""
        var path = endpoint.basePath.isEmpty ? "/" : endpoint.basePath
        if parts[0].hasSuffix("/"), !path.hasSuffix("/") { path += "/" }
        // The query is already encoded and is sent unchanged.
        if parts.count > 1 { path += "?\(parts[1])" }
        var request = HTTPRequest(method, bare, path: path, headers: headers)
        request.responseLimit = 1 << 20
        return request
    }

    private func observed(_ request: HTTPRequest, _ attempt: Int, _ world: IdentityWorld) async throws -> HTTPResponse {
        let began = world.time.uptime()
        var record = CallRecord(
            time: world.time.now(), service: name, operation: "\(method.rawValue) \(request.path.prefix { $0 != "?" })",
            region: "",
            host: request.endpoint.authority, attempt: attempt, duration: .zero)
        do {
            let response = try await world.transport.send(request, within: timeout)
            record.status = response.status
            record.bytesReceived = response.body.count
            record.duration = world.time.uptime() - began
            world.observe(record)
            return response
        } catch let error as TransportError {
            record.duration = world.time.uptime() - began
            record.error = "\(error)"
            world.observe(record)
            throw error
        }
    }
}

/// Credentials as returned by instance metadata, the container agent and a `credential_process`.
struct CredentialDocument: Decodable {
    var accessKeyID: String
    var secretAccessKey: String
    var token: String?
    var expiration: String?
    var version: Int?

    private enum CodingKeys: String, CodingKey {
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case sessionToken = "SessionToken"
        case expiration = "Expiration"
        case version = "Version"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        accessKeyID = try values.decode(String.self, forKey: .accessKeyID)
        secretAccessKey = try values.decode(String.self, forKey: .secretAccessKey)
        token =
            try values.decodeIfPresent(String.self, forKey: .token)
            ?? values.decodeIfPresent(String.self, forKey: .sessionToken)
        expiration = try values.decodeIfPresent(String.self, forKey: .expiration)
        version = try values.decodeIfPresent(Int.self, forKey: .version)
    }

    /// - Throws: `IdentityError` that names what is missing, but quotes nothing of the document.
    static func credentials(_ bytes: some Sequence<UInt8>, origin: String) throws -> (Credentials, version: Int?) {
        do {
            let document = try JSONDecoder().decode(CredentialDocument.self, from: Data(bytes))
            let expiration = try document.expiration.map { text in
                guard let time = parsedTime(text) else { throw Complaint(text: "Expiration is not a time") }
                return time
            }
            return (
                Credentials(
                    accessKeyID: document.accessKeyID, secretAccessKey: document.secretAccessKey,
                    sessionToken: document.token, expiration: expiration, origin: origin), document.version
            )
        } catch {
            throw IdentityError(.credentials, "\(origin): invalid credentials document: \(complaint(error))")
        }
    }

    private struct Complaint: Error { var text: String }

    private static func complaint(_ error: any Error) -> String {
        switch error {
        case let complaint as Complaint: complaint.text
        case DecodingError.keyNotFound(let key, _): "\(key.stringValue) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(context.codingPath.last?.stringValue ?? "the document") has the wrong type"
        default: "not valid JSON"
        }
    }
}

/// The role of an EC2 instance, from version 2 of its metadata service, which requires a session token.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
struct InstanceMetadata: Sendable {
    private static let folder = "/latest/meta-data/iam/security-credentials/"

    private let world: IdentityWorld
    private let address: Setting
    private let isDisabled: Bool

    init(_ world: IdentityWorld, _ profile: Profile?) {
        self.world = world
        isDisabled = world.isTrue("AWS_EC2_METADATA_DISABLED")
        let mode =
            world.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
            ?? profile?.setting("ec2_metadata_service_endpoint_mode")
        let standard = mode?.value.lowercased() == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
        address =
            world.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT")
            ?? profile?.setting("ec2_metadata_service_endpoint") ?? Setting(standard, origin: "")
    }

    /// Outside EC2 there is no response, which is not an error.
    func look() async throws -> CredentialLookup {
        if isDisabled { return .nothing("AWS_EC2_METADATA_DISABLED is true") }
        guard Endpoint(url: address.value, signingRegion: "") != nil else {
            throw IdentityError(.usage, "\(address.origin) is not a URL such as http://169.254.169.254")
        }
        do {
            let token = try await token()
            _ = try await roleName(token)
            var route = route
            route.region = await region(token)
            return .route(route)
        } catch let error as IdentityError {
            return .nothing(error.message)
        }
    }

    private func region(_ token: String) async -> Setting? {
        guard let answer = try? await get("/latest/meta-data/placement/region", token) else { return nil }
        let region = String(decoding: answer.body, as: UTF8.self).trimmed
        return isRegion(region) ? Setting(region, origin: "instance metadata") : nil
    }

    var route: CredentialRoute {
        let origin = address.origin.isEmpty ? "instance metadata" : "instance metadata, \(address.origin)"
        return CredentialRoute(origin: origin) { _ in
            if isDisabled { throw IdentityError(.credentials, "AWS_EC2_METADATA_DISABLED is true") }
            let token = try await token()
            let role = try await roleName(token)
            let answer = try await get(Self.folder + role, token)
            var credentials = try CredentialDocument.credentials(answer.body, origin: "\(origin), role \(role)").0
            // During an outage the metadata service returns expired credentials, which AWS still accepts then.
            let soonest = world.time.now() + 10 * 60
            credentials.expiration = max(credentials.expiration ?? soonest, soonest)
            return credentials
        }
    }

    private func token() async throws -> String {
        let response = try await send(
            .put, "/latest/api/token", [.init("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
        return String(decoding: response.body, as: UTF8.self).trimmed
    }

    private func roleName(_ token: String) async throws -> String {
        let answer = try await get(Self.folder, token)
        guard let role = String(decoding: answer.body, as: UTF8.self).split(whereSeparator: \.isNewline).first else {
            throw IdentityError(.credentials, "the instance has no role")
        }
        return String(role)
    }

    private func get(_ path: String, _ token: String) async throws -> HTTPResponse {
        try await send(.get, path, [.init("x-aws-ec2-metadata-token", token)])
    }

    /// Times out after one second and retries once, so that hosts outside EC2 are not delayed.
    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ headers: [HTTPRequest.Pair]
    ) async throws -> HTTPResponse {
        let base = address.value.hasSuffix("/") ? String(address.value.dropLast()) : address.value
        let call = MetadataRequest(
            name: "instance metadata", method: method, url: base + path, headers: headers, timeout: .seconds(1),
            attempts: 2, pause: .zero)
        let response = try await call.send(world)
        guard response.status == 200 else {
            let what = response.status == 404 ? "the instance has no role" : "HTTP status \(response.status)"
            throw IdentityError(.credentials, "\(what) (\(base))")
        }
        return response
    }
}

extension IdentityWorld {
    /// Looks for the container credentials endpoint of ECS, CodeBuild or EKS.
    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
    func containerCredentials() throws -> CredentialLookup {
        let url: Setting
        if let relative = setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard relative.value.hasPrefix("/") else {
                throw IdentityError(.usage, "\(relative.origin) must start with '/'")
            }
            url = Setting("http://169.254.170.2\(relative.value)", origin: relative.origin)
        } else if let full = setting("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            try checkContainer(full)
            url = full
        } else {
            return .nothing("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and …_FULL_URI are not set")
        }
        let origin = "container, \(url.origin)"
        return .route(
            CredentialRoute(origin: origin) { _ in
                var call = MetadataRequest(
                    name: "container", url: url.value, headers: [.init("accept", "application/json")])
                if let token = try containerToken() { call.headers.append(.init("authorization", token)) }
                let response = try await call.send(self)
                guard response.isSuccess else {
                    throw IdentityError(.credentials, "\(origin): HTTP status \(response.status)")
                }
                return try CredentialDocument.credentials(response.body, origin: origin).0
            })
    }

    /// Without TLS, the token and the credentials may only be sent to local addresses, where no one can eavesdrop.
    private func checkContainer(_ url: Setting) throws {
        let bare = String(url.value.prefix { $0 != "?" })
        guard let endpoint = Endpoint(url: bare, signingRegion: "") else {
            throw IdentityError(.usage, "\(url.origin) is not a URL such as http://169.254.170.23/v1/credentials")
        }
        let near: Set = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
        guard endpoint.scheme == "https" || near.contains(endpoint.host.lowercased()) || endpoint.isLoopback else {
            throw IdentityError(
                .usage, "\(url.origin) is a plain HTTP URL of a remote host",
                advice: "use https, or an ECS or EKS address: 169.254.170.2, 169.254.170.23, [fd00:ec2::23]")
        }
    }

    private func containerToken() throws -> String? {
        if let file = setting("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            return try token(in: file.value, for: "container, \(file.origin)")
        }
        guard let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") else { return nil }
        guard !token.contains(where: \.isNewline) else {
            throw IdentityError(.usage, "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line")
        }
        return token
    }
}
