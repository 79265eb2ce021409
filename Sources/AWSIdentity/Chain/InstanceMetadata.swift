import AWSCore
import FoundationEssentials

/// The role of an EC2 instance, from its metadata service, version 2: a token first, then the rest with it.
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

    /// On any other machine there is no answer, which is no mistake.
    func look() async throws -> Found {
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
            // Where the service has a failure of its own it hands out expired ones, which AWS still takes then.
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

    /// One second, one retry: on a machine outside of EC2 nobody wants to wait.
    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ headers: [HTTPRequest.Pair]
    ) async throws -> HTTPResponse {
        let base = address.value.hasSuffix("/") ? String(address.value.dropLast()) : address.value
        let call = MetadataCall(
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
