import Sandbox

/// How somebody names the AMI to start from: by its id, or by the SSM parameter that has it.
package enum SourceImageName: Sendable, Equatable {
    case image(String)
    case parameter(String)

    /// - Parameter text: `ami-…`; a parameter's name with a slash at its beginning, or any behind `ssm:` or
    ///   `resolve:ssm:`, as AWS itself writes it.
    /// - Throws: `Failure` where it is neither.
    package init(_ text: String) throws {
        let bare = text.replacing(/^(?:resolve:)?ssm:/, with: "")
        if text.wholeMatch(of: /ami-[0-9a-f]{8,17}/) != nil {
            self = .image(text)
        } else if (bare != text || bare.hasPrefix("/")) && bare.wholeMatch(of: /[A-Za-z0-9_.\-\/:]+/) != nil {
            self = .parameter(bare)
        } else {
            throw Failure(
                .usage, "'\(text)' names no AMI",
                advice: "name it by its id, ami-…, or by a parameter, such as ssm:/aws/service/debian/release/12/"
                    + "latest/amd64")
        }
    }
}
