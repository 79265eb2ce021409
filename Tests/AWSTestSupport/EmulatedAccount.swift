import AWSCore
import Foundation
import HTTPTransport

/// An access key of the emulator that belongs to one test: faults that it orders hit only its own calls.
package struct EmulatedAccount: Sendable {
    package let emulator: AWSEmulator
    package let credentials: Credentials

    /// Gives `body` a client with a key of its own.
    package static func with<Result>(
        region: String = "eu-central-1", backoff: Backoff = .quick, timeouts: Timeouts = .init(),
        _ body: (EmulatedAccount, AWSClient) async throws -> Result
    ) async throws -> Result {
        let emulator = try await AWSEmulator.shared.value
        let account = EmulatedAccount(
            emulator: emulator,
            credentials: Credentials(
                accessKeyID: "AKIA" + UUID().uuidString.replacing("-", with: "").prefix(16),
                secretAccessKey: UUID().uuidString, origin: "test"))
        try await emulator.control([
            "keys": [
                ["access_key": account.credentials.accessKeyID, "secret_key": account.credentials.secretAccessKey]
            ]
        ])
        return try await withHTTPTransport(HTTPSettings(timeouts: timeouts)) { transport in
            try await body(
                account, account.client(transport, region: region, backoff: backoff, timeouts: timeouts))
        }
    }

    package func client(
        _ transport: any Transport, region: String = "eu-central-1", backoff: Backoff = .quick,
        timeouts: Timeouts = .init(), credentials: Credentials? = nil, time: CallTime = .live
    ) -> AWSClient {
        let url = emulator.url
        return AWSClient(
            region: region,
            world: ClientWorld(
                transport: transport, credentials: Fixed(credentials: credentials ?? self.credentials),
                endpoint: { service, region in
                    Endpoint(url: url, signingRegion: service.endpoint(in: region).signingRegion)
                },
                timeouts: timeouts, backoff: backoff, time: time))
    }

    /// Orders a fault for calls with this key.
    package func order(_ kind: String, _ service: String, _ action: String, _ more: [String: Any] = [:]) async throws {
        let fault: [String: Any] = [
            "kind": kind, "service": service, "action": action, "access_key": credentials.accessKeyID,
        ]
        try await emulator.control(["faults": [fault.merging(more) { $1 }]])
    }

    /// The calls with this key, in order.
    package func calls() async throws -> [RecordedCall] {
        let all = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return all.filter { $0["access_key"] as? String == credentials.accessKeyID }.map { call in
            RecordedCall(
                action: call["action"] as? String ?? "", status: call["status"] as? Int,
                isApplied: call["applied"] as? Bool ?? false, fault: call["fault"] as? String)
        }
    }
}

package struct RecordedCall: Sendable, Equatable {
    package var action: String
    package var status: Int?
    /// It was handed to moto, whatever the answer was then.
    package var isApplied: Bool
    package var fault: String?
}

private struct Fixed: CredentialSource {
    let credentials: Credentials

    func credentials(insteadOf refused: Credentials?) async throws -> Credentials { credentials }
}

extension Backoff {
    /// The real number of attempts without the real pauses.
    package static let quick = Backoff(
        first: .milliseconds(1), firstWhenThrottled: .milliseconds(1), longest: .milliseconds(5))
}
