/// Why it cannot be said who calls AWS, or where. Quotes no value that could be a secret.
package struct IdentityError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// None were found, or those that were found are of no use.
        case credentials
        /// A configuration file is wrong.
        case files
        /// A flag or a variable is wrong.
        case usage
        /// Whoever hands out credentials does not answer.
        case unavailable
    }

    package var kind: Kind
    package var message: String
    /// What helps to understand it: all mistakes of a file, or all that was tried.
    package var details: [String]
    /// What to do next.
    package var advice: String?
    /// A name that is not known, and those that are.
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
                known.isEmpty ? "there are no profiles at all" : "known profiles: \(known.joined(separator: ", "))"
            ] + (hint.map { [$0] } ?? []),
            advice: known.isEmpty ? "aws configure --profile \(name)" : nil,
            unknown: Unknown(name: name, known: known))
    }

    /// - Parameter tried: what was looked at, in order, and what was missing there.
    static func nothingFound(_ tried: [(source: String, missing: String)]) -> IdentityError {
        let width = tried.map(\.source.count).max() ?? 0
        return IdentityError(
            .credentials, "no AWS credentials were found; tried, in this order:",
            details: tried.map { source, missing in
                source + String(repeating: " ", count: width - source.count + 2) + missing
            },
            advice: "give a profile by --aws-profile, make one by 'aws configure' or 'aws configure sso', or set "
                + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    }
}
