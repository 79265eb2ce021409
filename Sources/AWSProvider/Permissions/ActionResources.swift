/// What actions are done to, by the kinds of `PolicyScope`. For an action that is not here AWS offers nothing narrower
/// than all resources, which a test holds against AWS's own tables.
/// Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
enum ActionResources {
    static let table: [String: [String]] = pairs.reduce(into: [:]) { table, entry in
        for action in entry.actions.split(separator: " ") { table["\(entry.service):\(action)"] = entry.kinds }
    }

    /// Of CloudFormation: those that change nothing.
    static let reading: Set<String> = [
        "cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents",
        "cloudformation:ListStackResources",
    ]

    private static let pairs: [(service: String, kinds: [String], actions: String)] = ec2 + storage + others

    private static let ec2: [(service: String, kinds: [String], actions: String)] = [
        (
            "ec2", ["image"],
            "DeregisterImage DescribeImageAttribute DisableImageDeprecation EnableImageDeprecation ModifyImageAttribute"
        ),
        ("ec2", ["image", "instance", "snapshot"], "CreateImage"),
        ("ec2", ["image", "snapshot"], "CopyImage RegisterImage"),
        ("ec2", ["snapshot"], "DeleteSnapshot DescribeSnapshotAttribute ModifySnapshotAttribute"),
        ("ec2", ["export-image-task", "image"], "ExportImage"),
        ("ec2", ["export-image-task"], "CancelExportTask"),
        (
            "ec2", ["instance"],
            "DescribeInstanceAttribute GetConsoleOutput StartInstances StopInstances TerminateInstances"
        ),
        ("ec2", ["instance", "security-group", "volume"], "ModifyInstanceAttribute"),
        ("ec2", ["key-pair"], "CreateKeyPair DeleteKeyPair ImportKeyPair"),
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
            "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject GetObjectVersion "
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
