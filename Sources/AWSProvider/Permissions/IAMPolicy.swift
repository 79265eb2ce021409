import AWSCore
import Sandbox

/// The least that somebody must be allowed, as a policy of IAM.
package struct IAMPolicy: Sendable, Equatable {
    package struct Statement: Sendable, Equatable {
        package var sid: String
        /// In order.
        package var actions: [String]
        package var resources: [String]
        /// The services that a role may be given to; none where no role is.
        package var passedTo: [String]
    }

    package static let version = "2012-10-17"

    package var statements: [Statement]

    /// Actions of one service on the same kinds of things share a statement.
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

/// The kinds of things that an action is done to.
struct PolicyKinds: Hashable {
    /// Of `PolicyScope`; none where AWS offers nothing narrower than all.
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

    /// Who takes which role.
    static let services = ["export-role": "vmie.amazonaws.com", "build-role": "codebuild.amazonaws.com"]

    /// Whose roles a command makes or passes.
    private static func roles(_ need: CommandOperations) -> [String] {
        let builds = need.templates.contains { [.ciCodeBuild, .releaseCodeBuild].contains($0) }
        let exports = need.templates.contains(.vmBucket) || need.operations.contains { $0.service.id == "IAM" }
        return (builds ? ["build-role"] : []) + (exports || !builds ? ["export-role"] : [])
    }
}

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
