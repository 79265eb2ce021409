import AWSCore
import FoundationEssentials

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
