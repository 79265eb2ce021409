import Sandbox

/// Where a policy is to hold, as narrow as whoever asks for it knows.
package struct PolicyScope: Sendable {
    package var partition = "aws"
    package var account = "*"
    package var region = "*"
    /// The bucket of images; by default all that the stack of the bucket may have made.
    package var bucket = "data-science-sandbox-vm-bucket-vmbucket-*"
    /// The role that AWS exports with; likewise.
    package var exportRole = "\(PermanentStack.vmBucket.name)-VMExportRole-*"
    package var names: SandboxDefinition.Names

    package init(names: SandboxDefinition.Names = .init()) {
        self.names = names
    }

    /// - Parameter kind: of `ActionResources`; empty lists stand for all resources.
    func resources(of kind: String) -> [String] {
        switch kind {
        case "image", "snapshot": [ec2(kind, ofAccount: false)]
        case "instance", "volume", "network-interface", "security-group", "subnet", "vpc", "export-image-task":
            [ec2(kind)]
        case "key-pair": [ec2(kind, buildName)]
        case "stack-build": [stack(buildName)]
        case "stack-permanent": [stack("\(AssetRules.permanentPrefix)*")]
        case "stack-all": [stack("*")]
        case "bucket": ["arn:\(partition):s3:::\(bucket)"]
        case "object": ["arn:\(partition):s3:::\(bucket)/\(names.bucketPrefix)/*"]
        case "page": ["index.html", "releases.json"].map { "arn:\(partition):s3:::\(bucket)/\($0)" }
        case "export-role": [iam("role/\(exportRole)")]
        case "build-role": [iam("role/\(AssetRules.permanentPrefix)*-CodeBuildRole-*")]
        case "connection": ["arn:\(partition):codeconnections:\(region):\(account):connection/*"]
        case "user", "role": [iam("\(kind)/*")]
        // AWS's own belong to no account.
        case "parameter": ["arn:\(partition):ssm:\(region):*:parameter/aws/service/*"]
        // Builds and their logs are named after the stacks that they belong to.
        case "project": ["arn:\(partition):codebuild:\(region):\(account):project/\(AssetRules.permanentPrefix)*"]
        case "log-group": [logs("log-group:/aws/codebuild/\(AssetRules.permanentPrefix)*")]
        case "log-stream": [logs("log-group:/aws/codebuild/\(AssetRules.permanentPrefix)*:log-stream:*")]
        case "distribution", "origin-access-control", "response-headers-policy":
            ["arn:\(partition):cloudfront::\(account):\(kind)/*"]
        case "ipset": [firewall("ipset/DssAllowedIp*/*")]
        case "webacl": [firewall("webacl/DssVMDownloadLimitationWebACL/*")]
        default: []
        }
    }

    private var buildName: String { names.stack.replacing("<asset-id>", with: "*") }

    private func ec2(_ kind: String, _ name: String = "*", ofAccount: Bool = true) -> String {
        "arn:\(partition):ec2:\(region):\(ofAccount ? account : ""):\(kind)/\(name)"
    }

    private func stack(_ name: String) -> String {
        "arn:\(partition):cloudformation:\(region):\(account):stack/\(name)/*"
    }

    private func logs(_ path: String) -> String { "arn:\(partition):logs:\(region):\(account):\(path)" }

    private func iam(_ path: String) -> String { "arn:\(partition):iam::\(account):\(path)" }

    /// Web ACLs for CloudFront are in one region.
    private func firewall(_ path: String) -> String {
        "arn:\(partition):wafv2:\(PermanentStack.vmBucketWAF.region ?? region):\(account):global/\(path)"
    }
}
