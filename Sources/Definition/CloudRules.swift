import Sandbox

/// Rules for values that are passed to AWS and GitHub; the limits are theirs.
extension Rule<String> {
    static var repository: Rule {
        text("OWNER/NAME", example: "exasol/data-science-sandbox") { repository throws(InvalidValue) in
            if repository.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9\-]{0,38}\/[A-Za-z0-9._\-]{1,100}/) != nil { return }
            let inURL = /(?:https?:\/\/|git@)github\.com[\/:]([^\/\s]+\/[^\/\s]+?)(?:\.git)?\/?/
            let suggestion = repository.wholeMatch(of: inURL).map { "did you mean '\($0.1)'?" }
            throw InvalidValue(
                "must be OWNER/NAME, found '\(repository)'", suggestion ?? "for example exasol/data-science-sandbox")
        }
    }

    static var region: Rule {
        text("a region", example: "eu-central-1") { region throws(InvalidValue) in
            if region.wholeMatch(of: /[a-z]+(?:-[a-z]+)+-[1-9][0-9]?/) != nil { return }
            let zone = region.wholeMatch(of: /([a-z]+(?:-[a-z]+)+-[1-9][0-9]?)[a-z]/)
            let suggestion = zone.map { "which is an Availability Zone, did you mean '\($0.1)'?" }
            throw InvalidValue("must be an AWS region, found '\(region)'", suggestion ?? "for example eu-central-1")
        }
    }

    static var instanceType: Rule {
        text("an instance type", example: "t3.medium") { type throws(InvalidValue) in
            guard type.wholeMatch(of: /[a-z][a-z0-9\-]*\.[a-z0-9\-]+/) != nil else {
                throw InvalidValue("must be an EC2 instance type, found '\(type)'", "for example t3.medium")
            }
        }
    }

    static var imageOwner: Rule {
        text("an AWS account", example: "'099720109477'") { owner throws(InvalidValue) in
            let aliases = ["self", "amazon", "aws-marketplace"]
            guard owner.wholeMatch(of: /[0-9]{12}/) != nil || aliases.contains(owner) else {
                throw InvalidValue(
                    "must be a 12-digit AWS account ID or one of \(aliases.joined(separator: ", ")), found '\(owner)'",
                    DidYouMean.suggestion(for: owner, among: aliases) ?? "for example '099720109477' (Canonical)")
            }
        }
    }

    static var imageName: Rule {
        text("a name with wildcards", example: "ubuntu/images/hvm-ssd/ubuntu-jammy-*") { name throws(InvalidValue) in
            if name.allSatisfy({ "*? ".contains($0) }) {
                throw InvalidValue("would match every image", "for example ubuntu/images/hvm-ssd/ubuntu-jammy-*")
            }
        }
    }

    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
    static var imageParameter: Rule {
        text("an SSM parameter", example: "/aws/service/debian/release/12/latest/amd64") { name throws(InvalidValue) in
            guard name.wholeMatch(of: /[A-Za-z0-9_.\-\/]{1,1011}/) != nil else {
                let bare = name.replacing(/^(?:resolve:)?ssm:/, with: "")
                throw InvalidValue(
                    "must be the name of an SSM parameter: letters, digits, dots, dashes, underscores and slashes, "
                        + "found '\(name)'",
                    bare == name ? "for example /aws/service/debian/release/12/latest/amd64" : "did you mean '\(bare)'?"
                )
            }
        }
    }

    /// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
    static var tagKey: Rule {
        text("a tag key", example: "exa_dss_id") { key throws(InvalidValue) in
            if key.lowercased().hasPrefix("aws:") {
                throw InvalidValue("must not begin with 'aws:', which is reserved for AWS", "for example exa_dss_id")
            }
            guard key.count <= 128 else {
                throw InvalidValue("has \(key.count) characters, but AWS allows at most 128", "for example exa_dss_id")
            }
            guard key.wholeMatch(of: /[\p{L}\p{N} +\-=._:\/@]+/) != nil else {
                throw InvalidValue(
                    "may only contain letters, digits, spaces and + - = . _ : / @, found '\(key)'",
                    "for example exa_dss_id")
            }
        }
    }

    /// The value is both a key prefix in a bucket and a local directory, so the rule allows only what suits both.
    static var bucketPrefix: Rule {
        text("a prefix", example: "data_science_sandbox") { prefix throws(InvalidValue) in
            let parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
            let isSound = parts.allSatisfy { $0.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\-]*/) != nil }
            guard isSound, prefix.count <= 256 else {
                throw InvalidValue(
                    "must be names of letters, digits, dots, dashes and underscores, separated by single slashes, "
                        + "found '\(prefix)'", "for example data_science_sandbox")
            }
        }
    }

    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
    static var amiName: Rule {
        template(example: "Exasol-Data-Science-Sandbox-<asset-id>") { name throws(InvalidValue) in
            guard name.wholeMatch(of: /[A-Za-z0-9()\[\] .\/\-'@_]{3,128}/) != nil else {
                throw InvalidValue(
                    "must be 3 to 128 letters, digits, spaces and ()[]./-'@_", "for example Sandbox-<asset-id>")
            }
        }
    }

    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
    static var stackName: Rule {
        template(example: "EC2-DATA-SCIENCE-SANDBOX-<asset-id>") { name throws(InvalidValue) in
            guard name.wholeMatch(of: /[A-Za-z][A-Za-z0-9\-]{0,127}/) != nil else {
                throw InvalidValue(
                    "must be at most 128 letters, digits and dashes, starting with a letter",
                    "for example SANDBOX-<asset-id>")
            }
        }
    }

    /// A name that contains `<asset-id>`; it is checked with a sample asset id in its place.
    private static func template(
        example: String, _ check: @escaping @Sendable (String) throws(InvalidValue) -> Void
    ) -> Rule {
        text("a name with <asset-id> in it", example: example) { name throws(InvalidValue) in
            guard name.contains("<asset-id>") else {
                let nearly = name.replacing(/<[^<>]*>|\{\{?[^{}]*\}?\}|\$\{?[A-Za-z_]+\}?/, with: "<asset-id>")
                throw InvalidValue(
                    "must contain '<asset-id>', so that each build has a unique name",
                    nearly == name ? "for example \(name)-<asset-id>" : "did you mean '\(nearly)'?")
            }
            try check(name.replacing("<asset-id>", with: "0-1-0"))
        }
    }
}
