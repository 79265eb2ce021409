import AWSCore

/// A stack that an administrator deploys once for an account. Names and outputs are fixed: accounts already carry them.
package enum PermanentStack: Sendable, CaseIterable {
    /// The bucket of VM images, the role that exports into it, and CloudFront as the only way in.
    case vmBucket
    /// The web ACL before it.
    case vmBucketWAF
    /// Tests on CodeBuild of pushes that ask for it.
    case ciCodeBuild
    /// Releases, built on CodeBuild.
    case releaseCodeBuild

    package var name: String {
        switch self {
        case .vmBucket: "DATA-SCIENCE-SANDBOX-VM-Bucket"
        case .vmBucketWAF: "DATA-SCIENCE-SANDBOX-VM-Bucket-WAF"
        case .ciCodeBuild: "DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD"
        case .releaseCodeBuild: "DATA-SCIENCE-SANDBOX-RELEASE-CODEBUILD"
        }
    }

    /// The region it must be in, if any: AWS keeps web ACLs for CloudFront in one.
    package var region: String? {
        switch self {
        case .vmBucket, .ciCodeBuild, .releaseCodeBuild: nil
        case .vmBucketWAF: "us-east-1"
        }
    }

    /// The command that deploys it.
    package var command: String {
        switch self {
        case .vmBucket: "setup-vm-bucket"
        case .vmBucketWAF: "setup-vm-bucket-waf"
        case .ciCodeBuild: "setup-ci-codebuild"
        case .releaseCodeBuild: "setup-release-codebuild"
        }
    }

    /// CloudFormation, in YAML.
    package var template: String {
        switch self {
        case .vmBucket: String(decoding: PackageResources.vm_bucket_yaml, as: UTF8.self)
        case .vmBucketWAF: String(decoding: PackageResources.vm_bucket_waf_yaml, as: UTF8.self)
        case .ciCodeBuild: String(decoding: PackageResources.ci_codebuild_yaml, as: UTF8.self)
        case .releaseCodeBuild: String(decoding: PackageResources.release_codebuild_yaml, as: UTF8.self)
        }
    }

    /// The parameters of its template.
    package var parameterNames: [String] {
        switch self {
        case .vmBucket:
            [
                "VMDownloadACLArn", "Versioning", "UnfinishedUploadDays", "AccessLogBucket", "DomainName",
                "CertificateArn",
            ]
        case .vmBucketWAF: ["AllowedIPv4", "AllowedIPv6", "RateLimit", "RateWindow"]
        case .ciCodeBuild: ["RepositoryURL", "ConnectionArn", "EnvironmentImage", "ComputeType", "LogRetentionDays"]
        case .releaseCodeBuild:
            [
                "RepositoryURL", "ConnectionArn", "EnvironmentImage", "ComputeType", "LogRetentionDays",
                "DefaultPasswordSecret", "GitHubTokenSecret", "RegistrySecret",
            ]
        }
    }

    /// Those without a default, by the flags that set them.
    package var requiredParameters: [String: String] {
        switch self {
        case .releaseCodeBuild:
            ["DefaultPasswordSecret": "--password-secret", "GitHubTokenSecret": "--github-token-secret"]
        // The web ACL of the bucket is looked up.
        case .vmBucket, .vmBucketWAF, .ciCodeBuild: [:]
        }
    }

    /// What AWS wants to be told that it may make.
    package var capabilities: [String] {
        switch self {
        case .vmBucket, .ciCodeBuild, .releaseCodeBuild: ["CAPABILITY_IAM"]
        case .vmBucketWAF: []
        }
    }

    package enum Output {
        package static let bucket = "VMBucketId"
        package static let exportRole = "VMExportRoleId"
        package static let distribution = "CfDistributionId"
        package static let domainName = "CfDistributionDomainName"
        package static let webACL = "VMDownloadACLArn"
        package static let project = "CodeBuildProject"
        package static let passwordSecret = "DefaultPasswordSecretArn"
    }
}

/// Where releases are built, as the stack of the release tells it.
package struct ReleaseProject: Sendable, Equatable {
    /// The name of CodeBuild's project.
    package var name: String
    /// The ARN of the secret that has the default password.
    package var passwordSecret: String

    /// - Throws: `Failure` where the stack is not there or not in order, with the command that mends it.
    package static func find(in client: AWSClient) async throws -> ReleaseProject {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(client, .silent).outputs(
            of: .releaseCodeBuild, [Output.project, Output.passwordSecret],
            orElse: "there is no project that builds releases")
        return ReleaseProject(name: outputs[Output.project] ?? "", passwordSecret: outputs[Output.passwordSecret] ?? "")
    }
}
