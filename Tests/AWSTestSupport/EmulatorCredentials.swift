import AWSCore

/// What the emulator knows from the start.
package struct EmulatorCredentials: CredentialSource {
    package static let id = "AKIAEMULATOR00000001"
    package static let secret = "emulatorSecretKey/0000000000000000000001"

    package init() {}

    package func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(accessKeyID: Self.id, secretAccessKey: Self.secret, origin: "test")
    }
}

extension AWSEmulator {
    /// A client of the account that is there from the start.
    package func client(
        _ transport: any Transport, region: String = "eu-central-1", backoff: Backoff = .init(),
        time: CallTime = .live
    ) -> AWSClient {
        let url = url
        return AWSClient(
            region: region,
            world: ClientWorld(
                transport: transport, credentials: EmulatorCredentials(),
                endpoint: { Endpoint(url: url, signingRegion: $0.endpoint(in: $1).signingRegion) }, backoff: backoff,
                time: time))
    }

    /// The environment of a program for which there is no other AWS.
    package func environment(home: String) -> [String: String] {
        [
            "HOME": home, "PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": EmulatorCredentials.id, "AWS_SECRET_ACCESS_KEY": EmulatorCredentials.secret,
            "AWS_REGION": "eu-central-1",
        ]
    }

    /// The operations that took effect since the record was cleared, in order.
    package func appliedCalls() async throws -> [String] {
        let calls = try await control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.filter { $0["applied"] as? Bool == true }.compactMap { $0["action"] as? String }
    }

    /// How often an operation took effect.
    package func count(_ action: String) async throws -> Int {
        try await appliedCalls().count { $0 == action }
    }
}
