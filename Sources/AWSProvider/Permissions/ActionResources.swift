/// The kinds of resources (see `PolicyScope`) that each IAM action applies to. An action that is not listed supports
/// only `*` as its resource; a test compares the table with the tables of AWS.
/// Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
enum ActionResources {
    static let table: [String: [String]] = pairs.reduce(into: [:]) { table, entry in
        for action in entry.actions.split(separator: " ") { table["\(entry.service):\(action)"] = entry.kinds }
    }

    /// The CloudFormation actions that only read.
    static let reading: Set<String> = [
        "cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents",
        "cloudformation:ListStackResources",
    ]

    private static let pairs: [(service: String, kinds: [String], actions: String)] = ec2 + storage + others

    private static let ec2: [(service: String, kinds: [String], actions: String)] = [
        (
            "ec2", ["image"],
            "DeregisterImage DescribeImageAttribute EnableImageDeprecation ModifyImageAttribute"
        ),
        ("ec2", ["image", "instance", "snapshot"], "CreateImage"),
        ("ec2", ["image", "snapshot"], "CopyImage RegisterImage"),
        ("ec2", ["snapshot"], "DeleteSnapshot DescribeSnapshotAttribute ModifySnapshotAttribute"),
        ("ec2", ["export-image-task", "image"], "ExportImage"),
        ("ec2", ["export-image-task"], "CancelExportTask"),
        (
            "ec2", ["instance"],
            "DescribeInstanceAttribute GetConsoleOutput StopInstances TerminateInstances"
        ),
        ("ec2", ["instance", "security-group", "volume"], "ModifyInstanceAttribute"),
        ("ec2", ["key-pair"], "DeleteKeyPair ImportKeyPair"),
        ("ec2", ["security-group", "vpc"], "CreateSecurityGroup"),
        (
            "ec2", ["security-group"],
            "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress DeleteSecurityGroup RevokeSecurityGroupEgress "
                + "RevokeSecurityGroupIngress"
        ),
        (
            "ec2", ["image", "instance", "key-pair", "network-interface", "security-group", "subnet", "volume"],
            "RunInstances"
        ),
        (
            "ec2",
            [
                "export-image-task", "image", "instance", "key-pair", "network-interface", "security-group", "snapshot",
                "volume",
            ], "CreateTags DeleteTags"
        ),
        ("ebs", ["snapshot"], "CompleteSnapshot GetSnapshotBlock ListSnapshotBlocks PutSnapshotBlock StartSnapshot"),
    ]

    private static let storage: [(service: String, kinds: [String], actions: String)] = [
        (
            "s3", ["object"],
            "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject "
                + "ListMultipartUploadParts PutObject"
        ),
        (
            "s3", ["bucket"],
            "CreateBucket DeleteBucket DeleteBucketPolicy GetAccelerateConfiguration GetAnalyticsConfiguration "
                + "GetBucketCORS GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification "
                + "GetBucketObjectLockConfiguration "
                + "GetBucketOwnershipControls GetBucketPolicy GetBucketPublicAccessBlock GetBucketTagging "
                + "GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration "
                + "GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration "
                + "GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions "
                + "ListTagsForResource "
                + "PutBucketLogging PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock "
                + "PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration"
        ),
    ]

    private static let others: [(service: String, kinds: [String], actions: String)] = [
        (
            "cloudformation", ["stack"],
            "CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks "
                + "ExecuteChangeSet ListStackResources TagResource UpdateTerminationProtection"
        ),
        (
            "iam", ["export-role"],
            "CreateRole DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies "
                + "ListRolePolicies PassRole PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
                + "UpdateRoleDescription"
        ),
        ("iam", ["role", "user"], "SimulatePrincipalPolicy"),
        ("ssm", ["parameter"], "GetParameter"),
        ("ssm", ["instance"], "DescribeAssociation"),
        (
            "codebuild", ["project"],
            "BatchGetBuilds BatchGetProjects CreateProject CreateWebhook DeleteProject DeleteWebhook "
                + "ListBuildsForProject StartBuild StopBuild UpdateProject UpdateWebhook"
        ),
        ("codeconnections", ["connection"], "PassConnection"),
        ("logs", ["log-stream"], "GetLogEvents"),
        (
            "logs", ["log-group"],
            "CreateLogGroup DeleteDataProtectionPolicy DeleteLogGroup DeleteRetentionPolicy "
                + "GetDataProtectionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource"
        ),
        (
            "cloudfront", ["distribution"],
            "CreateDistribution CreateInvalidation DeleteDistribution GetDistribution GetDistributionConfig GetInvalidation "
                + "ListTagsForResource TagResource UntagResource UpdateDistribution"
        ),
        (
            "cloudfront", ["origin-access-control"],
            "DeleteOriginAccessControl GetOriginAccessControl UpdateOriginAccessControl"
        ),
        (
            "cloudfront", ["response-headers-policy"],
            "CreateResponseHeadersPolicy DeleteResponseHeadersPolicy GetResponseHeadersPolicy UpdateResponseHeadersPolicy"
        ),
        ("wafv2", ["ipset"], "CreateIPSet DeleteIPSet GetIPSet UpdateIPSet"),
        ("wafv2", ["ipset", "webacl"], "CreateWebACL ListTagsForResource TagResource UntagResource UpdateWebACL"),
        ("wafv2", ["webacl"], "DeleteWebACL GetWebACL"),
    ]
}

/// The IAM actions that CloudFormation performs on the caller's behalf to create, read, update and delete a resource.
///
/// They are a selection of the lists that AWS publishes with the resource types: everything for reading and deleting,
/// and for creating and updating only what the properties in our templates need. A test compares the table with those
/// lists.
/// Source: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html> (`handlers`)
package enum ResourcePermissions {
    package static let table: [String: [String]] = [
        "AWS::EC2::Instance": instance,
        "AWS::EC2::SecurityGroup": securityGroup,
        "AWS::S3::Bucket": bucket,
        "AWS::S3::BucketPolicy": ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
        "AWS::IAM::Role": role,
        "AWS::CloudFront::Distribution": distribution,
        "AWS::CloudFront::OriginAccessControl": [
            "cloudfront:CreateOriginAccessControl", "cloudfront:GetOriginAccessControl",
            "cloudfront:UpdateOriginAccessControl", "cloudfront:DeleteOriginAccessControl",
        ],
        "AWS::CloudFront::ResponseHeadersPolicy": [
            "cloudfront:CreateResponseHeadersPolicy", "cloudfront:GetResponseHeadersPolicy",
            "cloudfront:UpdateResponseHeadersPolicy", "cloudfront:DeleteResponseHeadersPolicy",
        ],
        "AWS::CodeBuild::Project": project,
        "AWS::Logs::LogGroup": logGroup,
        "AWS::WAFv2::IPSet": [
            "wafv2:CreateIPSet", "wafv2:GetIPSet", "wafv2:UpdateIPSet", "wafv2:DeleteIPSet",
            "wafv2:ListTagsForResource", "wafv2:TagResource", "wafv2:UntagResource",
        ],
        "AWS::WAFv2::WebACL": [
            "wafv2:CreateWebACL", "wafv2:GetWebACL", "wafv2:UpdateWebACL", "wafv2:DeleteWebACL",
            "wafv2:ListTagsForResource", "wafv2:TagResource", "wafv2:UntagResource",
        ],
    ]

    private static let instance = [
        "ec2:RunInstances", "ec2:CreateTags", "ec2:DeleteTags", "ec2:TerminateInstances", "ec2:DescribeInstances",
        "ec2:DescribeInstanceAttribute", "ec2:DescribeInstanceCreditSpecifications", "ec2:DescribeVolumes",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeLaunchTemplates", "ec2:DescribeSubnets",
        "ec2:DescribeKeyPairs", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs", "ec2:ModifyInstanceAttribute",
        "ssm:DescribeAssociation", "ssm:ListAssociations",
    ]

    private static let securityGroup = [
        "ec2:CreateSecurityGroup", "ec2:DescribeSecurityGroups", "ec2:DeleteSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress", "ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeInstances",
    ]

    private static let bucket = [
        "s3:CreateBucket", "s3:DeleteBucket", "s3:ListBucket", "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketOwnershipControls", "s3:PutEncryptionConfiguration", "s3:PutBucketVersioning",
        "s3:PutLifecycleConfiguration", "s3:PutBucketLogging", "s3:PutBucketTagging",
        "s3:GetAccelerateConfiguration", "s3:GetLifecycleConfiguration", "s3:GetBucketPublicAccessBlock",
        "s3:GetAnalyticsConfiguration", "s3:GetBucketCORS", "s3:GetEncryptionConfiguration",
        "s3:GetInventoryConfiguration", "s3:GetBucketLogging", "s3:GetMetricsConfiguration",
        "s3:GetBucketNotification", "s3:GetBucketVersioning", "s3:GetReplicationConfiguration",
        "s3:GetBucketWebsite", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketTagging",
        "s3:GetBucketOwnershipControls", "s3:GetBucketMetadataTableConfiguration", "s3:ListTagsForResource",
        "s3:GetIntelligentTieringConfiguration",
    ]

    private static let role = [
        "iam:CreateRole", "iam:GetRole", "iam:DeleteRole", "iam:UpdateRole", "iam:UpdateRoleDescription",
        "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole",
    ]

    private static let logGroup = [
        "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy",
        "logs:DeleteRetentionPolicy", "logs:DescribeIndexPolicies", "logs:DescribeResourcePolicies",
        "logs:GetDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:TagResource", "logs:UntagResource",
        "logs:ListTagsForResource",
    ]

    /// AWS publishes no list for this type; these are the documented calls for the properties in our templates.
    private static let project = [
        "codebuild:CreateProject", "codebuild:BatchGetProjects", "codebuild:UpdateProject", "codebuild:DeleteProject",
        "codebuild:CreateWebhook", "codebuild:UpdateWebhook", "codebuild:DeleteWebhook",
        "codeconnections:PassConnection", "iam:PassRole",
    ]

    private static let distribution = [
        "cloudfront:CreateDistribution", "cloudfront:GetDistribution",
        "cloudfront:GetDistributionConfig", "cloudfront:UpdateDistribution", "cloudfront:DeleteDistribution",
        "cloudfront:TagResource", "cloudfront:UntagResource", "cloudfront:ListTagsForResource",
    ]
}

/// A template that CloudFormation deploys with the caller's permissions.
package enum StackTemplate: Sendable, CaseIterable {
    case vmBucket, vmBucketWAF, ciCodeBuild, releaseCodeBuild, buildMachine

    /// The CloudFormation template in YAML.
    package var text: String {
        switch self {
        case .vmBucket: PermanentStack.vmBucket.template
        case .vmBucketWAF: PermanentStack.vmBucketWAF.template
        case .ciCodeBuild: PermanentStack.ciCodeBuild.template
        case .releaseCodeBuild: PermanentStack.releaseCodeBuild.template
        case .buildMachine: String(decoding: PackageResources.build_machine_yaml, as: UTF8.self)
        }
    }

    /// Unique resource types, such as `AWS::S3::Bucket`, sorted.
    package var resourceTypes: [String] {
        // Parameter types have the same indentation but are in another section.
        let resources = text.split(separator: "\n").drop { $0 != "Resources:" }.dropFirst()
        return Set(
            resources.prefix { $0.hasPrefix(" ") || $0.hasPrefix("#") }
                .compactMap { $0.wholeMatch(of: #/ {4}Type: (AWS::\w+::\w+)/#).map { String($0.1) } }
        ).sorted()
    }

    var permissions: [String] { resourceTypes.flatMap { ResourcePermissions.table[$0] ?? [] } }
}
