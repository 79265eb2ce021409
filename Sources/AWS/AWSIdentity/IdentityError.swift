/// The reason why credentials or region cannot be determined. It quotes no value that could be a secret.
package struct IdentityError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// No credentials were found, or they are unusable.
        case credentials
        /// A configuration file is invalid.
        case files
        /// A flag or an environment variable is invalid.
        case usage
        /// The credential source does not respond.
        case unavailable
    }

    package var kind: Kind
    package var message: String
    /// Details: all errors in a file, or all sources tried.
    package var details: [String]
    /// The next step for the user.
    package var advice: String?
    /// An unknown name and the known ones, for a suggestion.
    package var unknown: Unknown?

    package struct Unknown: Sendable, Equatable {
        package var name: String
        package var known: [String]
    }

    package init(
        _ kind: Kind, _ message: String, details: [String] = [], advice: String? = nil, unknown: Unknown? = nil
    ) {
        self.kind = kind
        self.message = message
        self.details = details
        self.advice = advice
        self.unknown = unknown
    }

    package var description: String { ([message] + details.map { "  \($0)" }).joined(separator: "\n") }

    static func unknownProfile(_ name: String, from origin: String, known: [String], hint: String?) -> IdentityError {
        IdentityError(
            .usage, "there is no profile '\(name)' (\(origin))",
            details: [
                known.isEmpty ? "no profiles are defined" : "known profiles: \(known.joined(separator: ", "))"
            ] + (hint.map { [$0] } ?? []),
            advice: known.isEmpty ? "aws configure --profile \(name)" : nil,
            unknown: Unknown(name: name, known: known))
    }

    /// - Parameter tried: the sources tried, in order, and what each lacks.
    static func nothingFound(_ tried: [(source: String, missing: String)]) -> IdentityError {
        let width = tried.map(\.source.count).max() ?? 0
        return IdentityError(
            .credentials, "no AWS credentials found; tried, in this order:",
            details: tried.map { source, missing in
                source + String(repeating: " ", count: width - source.count + 2) + missing
            },
            advice: "pass --aws-profile, create a profile with 'aws configure' or 'aws configure sso', or set "
                + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    }
}
