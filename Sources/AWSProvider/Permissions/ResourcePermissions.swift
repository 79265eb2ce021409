/// What CloudFormation does on the caller's behalf to make, read, change and remove a resource.
///
/// Of the lists that AWS gives with the resource types: all that reading and removing may need, and of making and
/// changing what the properties of our templates ask for. A test holds it against those lists.
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

    /// AWS gives no list with this type; these are the calls of its documentation for what the templates have.
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
