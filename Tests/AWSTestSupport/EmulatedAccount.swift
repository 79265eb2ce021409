import AWSCore
import Foundation
import HTTPTransport

/// An access key of the emulator that belongs to one test: faults that it orders hit only its own calls.
package struct EmulatedAccount: Sendable {
    package let emulator: AWSEmulator
    package let credentials: Credentials

    /// What there is after AWS has said that the credentials have expired.
    package var renewed: Credentials {
        Credentials(
            accessKeyID: credentials.accessKeyID + "R", secretAccessKey: credentials.secretAccessKey, origin: "renewed")
    }

    /// Gives `body` a client with a key of its own.
    package static func with<Result>(
        region: String = "eu-central-1", backoff: Backoff = .quick, silence: Duration = .seconds(60),
        _ body: (EmulatedAccount, AWSClient) async throws -> Result
    ) async throws -> Result {
        let emulator = try await AWSEmulator.shared.value
        let account = EmulatedAccount(
            emulator: emulator,
            credentials: Credentials(
                accessKeyID: "AKIA" + UUID().uuidString.replacing("-", with: "").prefix(16),
                secretAccessKey: UUID().uuidString, origin: "test"))
        let keys = [account.credentials, account.renewed].map {
            ["access_key": $0.accessKeyID, "secret_key": $0.secretAccessKey]
        }
        try await emulator.control(["keys": keys])
        return try await withHTTPTransport(HTTPSettings(silenceTimeout: silence)) { transport in
            try await body(
                account, account.client(transport, region: region, backoff: backoff))
        }
    }

    package func client(
        _ transport: any Transport, region: String = "eu-central-1", backoff: Backoff = .quick,
        credentials: Credentials? = nil, time: CallTime = .live
    ) -> AWSClient {
        let url = emulator.url
        return AWSClient(
            region: region,
            world: ClientWorld(
                transport: transport, credentials: Renewable(first: credentials ?? self.credentials, renewed: renewed),
                endpoint: { service, region in
                    Endpoint(url: url, signingRegion: service.endpoint(in: region).signingRegion)
                },
                backoff: backoff, time: time))
    }

    /// Orders a fault for calls with this key.
    package func order(_ kind: String, _ service: String, _ action: String, _ more: [String: Any] = [:]) async throws {
        let fault: [String: Any] = [
            "kind": kind, "service": service, "action": action, "access_key": pattern,
        ]
        try await emulator.control(["faults": [fault.merging(more) { $1 }]])
    }

    /// Takes back the faults of this account.
    package func withdrawFaults() async throws { try await emulator.control(["withdraw": pattern]) }

    private var pattern: String { credentials.accessKeyID + "R?" }

    /// The calls with this key, in order.
    package func calls() async throws -> [RecordedCall] {
        let query = [HTTPRequest.Pair("access_key", credentials.accessKeyID)]
        let calls = try await emulator.control([:], .get, query: query)["calls"] as? [[String: Any]] ?? []
        return calls.map { call in
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

private struct Renewable: CredentialSource {
    let first: Credentials
    let renewed: Credentials

    func credentials(insteadOf refused: Credentials?) async throws -> Credentials { refused == nil ? first : renewed }
}

extension Backoff {
    /// The real number of attempts without the real pauses.
    package static let quick = Backoff(
        first: .milliseconds(1), firstWhenThrottled: .milliseconds(1), longest: .milliseconds(5))
}
