import AWSCore
import Sandbox

/// The minimal IAM policy for a command.
package struct IAMPolicy: Sendable, Equatable {
    package struct Statement: Sendable, Equatable {
        package var sid: String
        /// Sorted.
        package var actions: [String]
        package var resources: [String]
        /// For `iam:PassRole`, the services that a role may be passed to; otherwise empty.
        package var passedTo: [String]
    }

    package static let version = "2012-10-17"

    package var statements: [Statement]

    /// Creates one statement for all actions of a service on the same kinds of resources.
    package init(_ need: CommandOperations, _ scope: PolicyScope) {
        var actions: [PolicyKinds: [String]] = [:]
        for action in need.permissions { actions[PolicyKinds(of: action, need), default: []].append(action) }
        statements = actions.sorted { $0.key.sid < $1.key.sid }.map { kinds, actions in
            Statement(
                sid: kinds.sid, actions: actions,
                resources: kinds.names.isEmpty ? ["*"] : kinds.names.flatMap(scope.resources),
                passedTo: actions == ["iam:PassRole"] ? kinds.names.compactMap { PolicyKinds.services[$0] } : [])
        }
    }
}

/// The kinds of resources that an action applies to.
struct PolicyKinds: Hashable {
    /// Kinds of `PolicyScope`; empty for actions that support only `*`.
    var names: [String]
    var sid: String

    init(of action: String, _ need: CommandOperations) {
        let service = String(action.prefix { $0 != ":" })
        names = ActionResources.table[action] ?? []
        if service == "cloudformation", names == ["stack"] {
            let stacks = ActionResources.reading.contains(action) ? need.reads.union(need.changes) : need.changes
            names = (stacks.contains(.all) ? [.all] : stacks.sorted { "\($0)" < "\($1)" }).map { "stack-\($0)" }
        }
        if names == ["export-role"] { names = Self.roles(need) }
        if need.writesPage, names == ["object"] { names.append("page") }
        let title = { (name: String) in
            name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        }
        let pass = action == "iam:PassRole" ? "Pass" : ""
        sid = title(service) + pass + (names.isEmpty ? "All" : names.map(title).joined())
    }

    /// The service that assumes each role, by the kind of the role.
    static let services = ["export-role": "vmie.amazonaws.com", "build-role": "codebuild.amazonaws.com"]

    /// The kinds of roles that a command creates or passes.
    private static func roles(_ need: CommandOperations) -> [String] {
        let builds = need.templates.contains { [.ciCodeBuild, .releaseCodeBuild].contains($0) }
        let exports = need.templates.contains(.vmBucket) || need.operations.contains { $0.service.id == "IAM" }
        return (builds ? ["build-role"] : []) + (exports || !builds ? ["export-role"] : [])
    }
}

/// The scope of a policy, restricted to what is known: partition, account, region, bucket and role.
package struct PolicyScope: Sendable {
    package var partition = "aws"
    package var account = "*"
    package var region = "*"
    /// The bucket for images; by default a pattern for every bucket that the bucket stack may have created.
    package var bucket = "data-science-sandbox-vm-bucket-vmbucket-*"
    /// The role for exports; by default a pattern as well.
    package var exportRole = "\(PermanentStack.vmBucket.name)-VMExportRole-*"
    package var names: SandboxDefinition.Names

    package init(names: SandboxDefinition.Names = .init()) {
        self.names = names
    }

    /// Returns the ARN patterns of a kind.
    /// - Parameter kind: a kind of `ActionResources`.
    /// - Returns: an empty list for an unknown kind, which stands for all resources.
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
        // Public parameters of AWS belong to no account.
        case "parameter": ["arn:\(partition):ssm:\(region):*:parameter/aws/service/*"]
        // CodeBuild projects and their logs are named after their stacks.
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

    /// Web ACLs for CloudFront exist only in one region.
    private func firewall(_ path: String) -> String {
        "arn:\(partition):wafv2:\(PermanentStack.vmBucketWAF.region ?? region):\(account):global/\(path)"
    }
}
