import Sandbox

/// Rules for values that are passed to AWS and GitHub; the limits are theirs.
extension Rule<String> {
    static var repository: Rule {
        text(
            "OWNER/NAME", allowed: "OWNER/NAME", example: "exasol/data-science-sandbox",
            suggestion: { repository in
                let inURL = /(?:https?:\/\/|git@)github\.com[\/:]([^\/\s]+\/[^\/\s]+?)(?:\.git)?\/?/
                return repository.wholeMatch(of: inURL).map { "did you mean '\($0.1)'?" }
            },
            where: { $0.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9\-]{0,38}\/[A-Za-z0-9._\-]{1,100}/) != nil })
    }

    static var region: Rule {
        text(
            "a region", allowed: "an AWS region", example: "eu-central-1",
            suggestion: { region in
                region.wholeMatch(of: /([a-z]+(?:-[a-z]+)+-[1-9][0-9]?)[a-z]/)
                    .map { "which is an Availability Zone, did you mean '\($0.1)'?" }
            },
            where: { $0.wholeMatch(of: /[a-z]+(?:-[a-z]+)+-[1-9][0-9]?/) != nil })
    }

    static var instanceType: Rule {
        text(
            "an instance type", allowed: "an EC2 instance type", example: "t3.medium",
            where: { $0.wholeMatch(of: /[a-z][a-z0-9\-]*\.[a-z0-9\-]+/) != nil })
    }

    static var imageOwner: Rule {
        let aliases = ["self", "amazon", "aws-marketplace"]
        return text(
            "an AWS account", allowed: "a 12-digit AWS account ID or one of \(aliases.joined(separator: ", "))",
            example: "'099720109477'",
            suggestion: {
                DidYouMean.suggestion(for: $0, among: aliases) ?? "for example '099720109477' (Canonical)"
            },
            where: { $0.wholeMatch(of: /[0-9]{12}/) != nil || aliases.contains($0) })
    }

    static var imageName: Rule {
        text(
            "a name with wildcards", allowed: "a name, with * and ? as wildcards",
            example: "ubuntu/images/hvm-ssd/ubuntu-jammy-*"
        ) { name throws(InvalidValue) in
            if name.allSatisfy({ "*? ".contains($0) }) {
                throw InvalidValue("would match every image", "for example ubuntu/images/hvm-ssd/ubuntu-jammy-*")
            }
        }
    }

    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
    static var imageParameter: Rule {
        text(
            "an SSM parameter",
            allowed: "the name of an SSM parameter: letters, digits, dots, dashes, underscores and slashes",
            example: "/aws/service/debian/release/12/latest/amd64",
            suggestion: { name in
                let bare = name.replacing(/^(?:resolve:)?ssm:/, with: "")
                return bare == name ? nil : "did you mean '\(bare)'?"
            },
            where: { $0.wholeMatch(of: /[A-Za-z0-9_.\-\/]{1,1011}/) != nil })
    }

    /// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
    static var tagKey: Rule {
        let letters = "letters, digits, spaces and + - = . _ : / @"
        return text(
            "a tag key", allowed: "1 to 128 \(letters), not beginning with 'aws:'", example: "exa_dss_id"
        ) { key throws(InvalidValue) in
            if key.lowercased().hasPrefix("aws:") {
                throw InvalidValue("must not begin with 'aws:', which is reserved for AWS", "for example exa_dss_id")
            }
            guard key.count <= 128 else {
                throw InvalidValue("has \(key.count) characters, but AWS allows at most 128", "for example exa_dss_id")
            }
            guard key.wholeMatch(of: /[\p{L}\p{N} +\-=._:\/@]+/) != nil else {
                throw InvalidValue(
                    "may only contain \(letters), found '\(key)'", "for example exa_dss_id")
            }
        }
    }

    /// The value is both a key prefix in a bucket and a local directory, so the rule allows only what suits both.
    static var bucketPrefix: Rule {
        text(
            "a prefix",
            allowed: "names of letters, digits, dots, dashes and underscores, separated by single slashes",
            example: "data_science_sandbox",
            where: { prefix in
                let parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
                return prefix.count <= 256
                    && parts.allSatisfy { $0.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\-]*/) != nil }
            })
    }

    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
    static var amiName: Rule {
        template(
            "3 to 128 letters, digits, spaces and ()[]./-'@_", example: "Exasol-Data-Science-Sandbox-<asset-id>",
            short: "Sandbox-<asset-id>",
            where: { $0.wholeMatch(of: /[A-Za-z0-9()\[\] .\/\-'@_]{3,128}/) != nil })
    }

    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
    static var stackName: Rule {
        template(
            "at most 128 letters, digits and dashes, starting with a letter",
            example: "EC2-DATA-SCIENCE-SANDBOX-<asset-id>", short: "SANDBOX-<asset-id>",
            where: { $0.wholeMatch(of: /[A-Za-z][A-Za-z0-9\-]{0,127}/) != nil })
    }

    /// A name that contains `<asset-id>`; it is checked with a sample asset id in its place.
    private static func template(
        _ allowed: String, example: String, short: String, where matches: @escaping @Sendable (String) -> Bool
    ) -> Rule {
        text(
            "a name with <asset-id> in it", allowed: "\(allowed), with '<asset-id>' in it", example: example
        ) { name throws(InvalidValue) in
            guard name.contains("<asset-id>") else {
                let nearly = name.replacing(/<[^<>]*>|\{\{?[^{}]*\}?\}|\$\{?[A-Za-z_]+\}?/, with: "<asset-id>")
                throw InvalidValue(
                    "must contain '<asset-id>', so that each build has a unique name",
                    nearly == name ? "for example \(name)-<asset-id>" : "did you mean '\(nearly)'?")
            }
            guard matches(name.replacing("<asset-id>", with: "0-1-0")) else {
                throw InvalidValue("must be \(allowed)", "for example \(short)")
            }
        }
    }
}
