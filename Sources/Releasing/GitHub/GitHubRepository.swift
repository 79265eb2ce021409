import Sandbox

/// `OWNER/NAME` of a repository on GitHub.
package struct GitHubRepository: Sendable, Hashable, CustomStringConvertible {
    package let owner: String
    package let name: String

    /// - Throws: `Failure` where it is not of that form: it becomes a part of paths.
    package init(_ text: String) throws {
        guard let match = text.wholeMatch(of: /([A-Za-z0-9][A-Za-z0-9_-]{0,38})\/([A-Za-z0-9._-]{1,100})/),
            ![".", ".."].contains(match.2)
        else {
            throw Failure(
                .usage, "'\(text)' is not a repository on GitHub", advice: "write OWNER/NAME, such as example/sandbox")
        }
        owner = String(match.1)
        name = String(match.2)
    }

    package var description: String { "\(owner)/\(name)" }
}
