import AWSCore

/// A stack that an administrator deploys once per account. Its name and outputs must not change, because accounts
/// already use them.
package enum PermanentStack: Sendable, CaseIterable {
    /// The bucket for VM images, the role for exports, and the CloudFront distribution as the only public access.
    case vmBucket
    /// The web ACL that protects the downloads.
    case vmBucketWAF
    /// The CodeBuild project that tests pushes on request.
    case ciCodeBuild
    /// The CodeBuild project that builds releases.
    case releaseCodeBuild

    package var name: String {
        switch self {
        case .vmBucket: "DATA-SCIENCE-SANDBOX-VM-Bucket"
        case .vmBucketWAF: "DATA-SCIENCE-SANDBOX-VM-Bucket-WAF"
        case .ciCodeBuild: "DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD"
        case .releaseCodeBuild: "DATA-SCIENCE-SANDBOX-RELEASE-CODEBUILD"
        }
    }

    /// The region that the stack must be in, if any. Web ACLs for CloudFront exist only in us-east-1.
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

    /// The CloudFormation template in YAML.
    package var template: String {
        switch self {
        case .vmBucket: String(decoding: PackageResources.vm_bucket_yaml, as: UTF8.self)
        case .vmBucketWAF: String(decoding: PackageResources.vm_bucket_waf_yaml, as: UTF8.self)
        case .ciCodeBuild: String(decoding: PackageResources.ci_codebuild_yaml, as: UTF8.self)
        case .releaseCodeBuild: String(decoding: PackageResources.release_codebuild_yaml, as: UTF8.self)
        }
    }

    /// The parameters of the template.
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

    /// The option that sets each parameter without a default, by parameter.
    package var requiredParameters: [String: String] {
        switch self {
        case .releaseCodeBuild:
            ["DefaultPasswordSecret": "--password-secret", "GitHubTokenSecret": "--github-token-secret"]
        // The web ACL of the bucket stack is looked up, not given.
        case .vmBucket, .vmBucketWAF, .ciCodeBuild: [:]
        }
    }

    /// The capabilities that CloudFormation requires to create the stack.
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

/// The CodeBuild project that builds releases, from the outputs of its stack.
package struct ReleaseProject: Sendable, Equatable {
    /// Name of the CodeBuild project.
    package var name: String
    /// ARN of the secret with the default password.
    package var passwordSecret: String

    /// - Throws: `Failure` if the stack is missing or broken; its advice names the command that fixes it.
    package static func find(in client: AWSClient) async throws -> ReleaseProject {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(client, .silent).outputs(
            of: .releaseCodeBuild, [Output.project, Output.passwordSecret],
            orElse: "the CodeBuild project for releases is not deployed")
        return ReleaseProject(name: outputs[Output.project] ?? "", passwordSecret: outputs[Output.passwordSecret] ?? "")
    }
}
