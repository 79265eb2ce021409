import AWSCore

/// A way to credentials that somebody has laid out, not yet gone.
struct CredentialRoute: Sendable {
    /// In words for people: `profile dev, ~/.aws/config:3`.
    var origin: String
    /// Where who hands them out is, for those who have set no region.
    var region: Setting?
    var fetch: CredentialKeeper.Fetch

    /// For keys that stand there for good.
    init(_ credentials: Credentials) {
        origin = credentials.origin
        fetch = { _ in credentials }
    }

    init(origin: String, fetch: @escaping CredentialKeeper.Fetch) {
        self.origin = origin
        self.fetch = fetch
    }

    func keeper(_ world: IdentityWorld) -> CredentialKeeper {
        CredentialKeeper(now: world.time.now, fetch: fetch)
    }
}

/// What one place has to offer.
enum Found: Sendable {
    case route(CredentialRoute)
    /// Nothing, and what is missing.
    case nothing(String)
}
