import AWSCore

extension IdentityWorld {
    /// The agent of ECS, CodeBuild or EKS beside the container.
    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
    func containerCredentials() throws -> Found {
        let url: Setting
        if let relative = setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard relative.value.hasPrefix("/") else {
                throw IdentityError(.usage, "\(relative.origin) does not begin with '/'")
            }
            url = Setting("http://169.254.170.2\(relative.value)", origin: relative.origin)
        } else if let full = setting("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            try checkContainer(full)
            url = full
        } else {
            return .nothing("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, …_FULL_URI not set")
        }
        let origin = "container, \(url.origin)"
        return .route(
            CredentialRoute(origin: origin) { _ in
                var call = MetadataCall(
                    name: "container", url: url.value, headers: [.init("accept", "application/json")])
                if let token = try containerToken() { call.headers.append(.init("authorization", token)) }
                let response = try await call.send(self)
                guard response.isSuccess else {
                    throw IdentityError(.credentials, "\(origin): the answer has HTTP status \(response.status)")
                }
                return try CredentialDocument.credentials(response.body, origin: origin).0
            })
    }

    /// Without TLS the token, and the credentials, may only go where nobody else can listen.
    private func checkContainer(_ url: Setting) throws {
        let bare = String(url.value.prefix { $0 != "?" })
        guard let endpoint = Endpoint(url: bare, signingRegion: "") else {
            throw IdentityError(.usage, "\(url.origin) is not a URL such as http://169.254.170.23/v1/credentials")
        }
        let near: Set = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"]
        let host = endpoint.host.lowercased()
        guard endpoint.scheme == "https" || near.contains(host) || isIPv4Loopback(host) else {
            throw IdentityError(
                .usage, "\(url.origin) is a plain http URL of another host",
                advice: "use https, or the addresses of ECS and EKS: 169.254.170.2, 169.254.170.23, [fd00:ec2::23]")
        }
    }

    /// The whole of 127.0.0.0/8; a name such as `127.0.0.1.example.com` is none.
    private func isIPv4Loopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
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
