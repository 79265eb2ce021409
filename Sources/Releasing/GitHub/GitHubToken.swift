import AWSServices
import Sandbox

/// A token for GitHub, and where it was found; printed, it does not show itself.
package struct GitHubToken: Sendable, Discreet {
    let value: String
    /// The environment variable, for messages.
    package let origin: String

    /// In the order in which GitHub's own command line looks at them. Children of this process do not inherit them.
    package static let variables = ["GH_TOKEN", "GITHUB_TOKEN"]

    /// - Throws: `Failure` where there is none.
    package init(in environment: [String: String]) throws {
        let found = Self.variables.lazy.compactMap { name in
            environment[name].flatMap { $0.isEmpty ? nil : (name, $0) }
        }.first
        guard let (name, text) = found else {
            throw Failure(
                .noPermission, "there is no token for GitHub in GH_TOKEN or GITHUB_TOKEN",
                advice: "export GH_TOKEN=\"$(gh auth token)\"")
        }
        // It becomes a header: a line break in it would begin another.
        value = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        guard value.utf8.allSatisfy({ (33...126).contains($0) }), !value.isEmpty else {
            throw Failure(.usage, "\(name) is not a token: it has blanks or other odd characters in it")
        }
        origin = name
    }

    package var shown: KeyValuePairs<String, Any> { ["origin": origin] }
}
