/// Encodes, signs, sends and decodes operations, and sends them again where that is safe.
///
/// A value: copies for another region share connections, credentials, limits and the corrected clock.
package struct AWSClient: Sendable {
    package var region: String
    package let world: ClientWorld
    let state: ClientState

    package init(region: String, world: ClientWorld) {
        self.init(region: region, world: world, state: ClientState())
    }

    private init(region: String, world: ClientWorld, state: ClientState) {
        self.region = region
        self.world = world
        self.state = state
    }

    /// The same client for another region.
    package func region(_ region: String) -> AWSClient {
        AWSClient(region: region, world: world, state: state)
    }

    /// - Throws: `AWSError`; `CancellationError`; what the source of the credentials throws.
    package func call<O: Operation>(_ operation: O) async throws -> O.Output {
        var call = Call(operation, of: self)
        return try await call.run()
    }

    /// A URL that does one operation, for a time. Headers that the operation has are signed too, so that whoever uses
    /// the URL has to send them.
    package func presigned<O: Operation>(_ operation: O, lifetime: Duration) async throws -> String {
        let credentials = try await world.credentials.credentials(insteadOf: nil)
        let request = try request(for: operation)
        let signer = SigV4(
            credentials, region: request.endpoint.signingRegion, service: O.service.signingName,
            at: state.corrected(world.time.now()))
        return signer.presigned(request, lifetime: lifetime).url
    }

    func request<O: Operation>(for operation: O) throws -> HTTPRequest {
        var request = HTTPRequest(.post, world.endpoint(O.service, region) ?? O.service.endpoint(in: region))
        try operation.encode(into: &request)
        return request
    }
}
