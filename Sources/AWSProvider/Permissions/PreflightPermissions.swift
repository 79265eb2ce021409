import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Permission checks with EC2's `DryRun` parameter, which changes nothing.
extension Preflight {
    /// Well-formed placeholder ids for resources that the build has not created yet.
    private enum Placeholder {
        static let instance = "i-00000000000000000"
        static let image = "ami-00000000000000000"
        static let snapshot = "snap-00000000000000000"
        static let key = Data("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".utf8)
    }

    @Sendable func checkDryRuns() async throws -> [PreflightFinding] {
        let trials = machineTrials + imageTrials + exportTrials + publicationTrials
        return try await withThrowingTaskGroup(of: PreflightFinding?.self) { group in
            for trial in trials { group.addTask { try await trial(client) } }
            return try await group.reduce(into: []) { if let finding = $1 { $0.append(finding) } }
                .sorted { $0.text < $1.text }
        }
    }

    private typealias Trial = @Sendable (AWSClient) async throws -> PreflightFinding?

    private var machineTrials: [Trial] {
        guard source != nil else { return [] }
        var trials = [
            trial(EC2.StopInstances(instanceIds: [Placeholder.instance]), \.dryRun),
            trial(
                EC2.CreateTags(resources: [Placeholder.instance], tags: Array(workspace.passingTags)), \.dryRun),
        ]
        if makesKeyPair {
            trials.append(
                trial(
                    EC2.ImportKeyPair(
                        keyName: workspace.stackName, publicKeyMaterial: Placeholder.key,
                        tagSpecifications: workspace.specifications("key-pair", tags: workspace.passingTags)), \.dryRun)
            )
        }
        return trials
    }

    private var imageTrials: [Trial] {
        guard source != nil else { return [] }
        return [
            trial(
                EC2.CreateImage(
                    instanceId: Placeholder.instance, name: workspace.imageName,
                    tagSpecifications: workspace.specifications("image", "snapshot", tags: workspace.tags)), \.dryRun),
            trial(EC2.DeregisterImage(imageId: Placeholder.image), \.dryRun),
            trial(EC2.DeleteSnapshot(snapshotId: Placeholder.snapshot), \.dryRun),
        ]
    }

    private var exportTrials: [Trial] {
        guard method == .vmExport, !formats.isEmpty else { return [] }
        return [
            trial(
                EC2.ExportImage(
                    imageId: Placeholder.image, diskImageFormat: "VMDK",
                    s3ExportLocation: .init(s3Bucket: bucket?.name ?? "bucket", s3Prefix: workspace.keyPrefix),
                    roleName: bucket?.exportRole,
                    tagSpecifications: workspace.specifications("export-image-task", tags: workspace.tags)), \.dryRun)
        ]
    }

    private var publicationTrials: [Trial] {
        guard isPublic else { return [] }
        let all = EC2.PermissionChange(add: [.init(group: "all")])
        return [
            trial(EC2.ModifyImageAttribute(imageId: Placeholder.image, launchPermission: all), \.dryRun),
            trial(
                EC2.ModifySnapshotAttribute(snapshotId: Placeholder.snapshot, createVolumePermission: all), \.dryRun),
        ]
    }

    /// AWS checks permissions first. Any other error, such as an unknown id, means that the call would be allowed.
    private func trial<O: EC2Operation>(
        _ operation: O, _ dryRun: WritableKeyPath<O, Bool?>
    ) -> Trial {
        var operation = operation
        operation[keyPath: dryRun] = true
        return { [operation] client in
            do {
                _ = try await client.call(operation)
                return nil
            } catch let error as AWSError where error.kind == .denied {
                return .problem("\(error)", advice: error.advice ?? "", code: .noPermission)
            } catch let error as AWSError where error.kind == .refused || error.kind == .quota {
                return nil
            }
        }
    }
}

/// Permission checks with the IAM policy simulator, for actions that have no dry run.
extension Preflight {
    /// Actions that `checkDryRuns` covers.
    private static let tried: Set<String> = [
        "ec2:StopInstances", "ec2:CreateTags", "ec2:ImportKeyPair", "ec2:CreateImage", "ec2:DeregisterImage",
        "ec2:DeleteSnapshot", "ec2:ExportImage",
    ]

    @Sendable func checkPolicies() async throws -> [PreflightFinding] {
        let caller = try await client.call(STS.GetCallerIdentity())
        guard let principal = PolicyPrincipal(arn: caller.arn), let need = CommandOperations.of("create-vm") else {
            return [.notice("could not check the permissions of \(caller.arn)")]
        }
        if principal.isRoot { return [] }
        let policy = IAMPolicy(need, scope(principal, caller.account))
        do {
            let denied = try await denied(by: policy, to: principal)
            return denied.isEmpty ? [] : [refusal(of: denied, to: principal)]
        } catch let error as AWSError where error.kind == .refused {
            // The role has a path, which is not part of the session ARN.
            return [.notice("could not check the permissions of \(principal.arn): \(error.message)")]
        }
    }

    private func scope(_ principal: PolicyPrincipal, _ account: String) -> PolicyScope {
        var scope = PolicyScope(names: workspace.names)
        scope.partition = principal.partition
        scope.account = account
        scope.region = region
        if let bucket {
            scope.bucket = bucket.name
            if let role = bucket.exportRole { scope.exportRole = role }
        }
        return scope
    }

    private func denied(by policy: IAMPolicy, to principal: PolicyPrincipal) async throws -> [String] {
        try await withThrowingTaskGroup(of: [String].self) { group in
            for statement in policy.statements {
                group.addTask { try await denied(statement, to: principal) }
            }
            var all: Set<String> = []
            for try await some in group { all.formUnion(some) }
            return all.sorted()
        }
    }

    /// - Returns: actions that are denied in any case. A result that depends on a context value that is missing in the
    ///   simulation does not count as denied.
    private func denied(_ statement: IAMPolicy.Statement, to principal: PolicyPrincipal) async throws -> [String] {
        let actions = statement.actions.filter { !Self.tried.contains($0) && isOfThisBuild($0) }
        guard !actions.isEmpty else { return [] }
        let simulation = IAM.SimulatePrincipalPolicy(
            policySourceArn: principal.arn, actionNames: actions,
            resourceArns: statement.resources == ["*"] ? [] : statement.resources.map(Self.example))
        var denied: [String] = []
        for try await result in client.items(of: simulation)
        where result.evalDecision == "explicitDeny"
            || result.evalDecision == "implicitDeny" && result.missingContextValues.isEmpty
        {
            denied.append(result.evalActionName)
        }
        return denied
    }

    private func isOfThisBuild(_ action: String) -> Bool {
        if action.hasPrefix("ebs:") { return method == .ebsDirect && !formats.isEmpty }
        if action.hasPrefix("s3:") { return !formats.isEmpty }
        // Only optional checks need these.
        return !["iam:SimulatePrincipalPolicy", "iam:PassRole", "iam:GetRole", "servicequotas:GetServiceQuota"]
            .contains(action)
    }

    /// An example that matches the pattern, because the simulator does not accept patterns.
    private static func example(of pattern: String) -> String {
        pattern.replacing("*", with: "x0")
    }

    private func refusal(of denied: [String], to principal: PolicyPrincipal) -> PreflightFinding {
        .problem(
            "\(principal.arn) is not allowed to perform \(denied.joined(separator: ", "))",
            advice: "'dss iam-policy --command create-vm' prints the required policy", code: .noPermission)
    }
}

/// The IAM principal of the caller, whose policies are simulated.
struct PolicyPrincipal: Sendable, Equatable {
    var arn: String
    var partition: String
    var isRoot: Bool

    /// - Parameter arn: the caller's ARN from STS. The ARN of a role session is converted to that of the role.
    /// - Returns: `nil` for a principal without policies of its own, such as a federated user.
    init?(arn: String) {
        guard let parts = arn.wholeMatch(of: /arn:([a-z-]+):(?:sts|iam)::([0-9]{12}):(.+)/) else { return nil }
        let (_, partition, account, name) = parts.output
        self.partition = String(partition)
        isRoot = name == "root"
        if isRoot || name.hasPrefix("user/") {
            self.arn = "arn:\(partition):iam::\(account):\(name)"
        } else if let role = name.wholeMatch(of: /assumed-role\/([^\/]+)\/.+/) {
            self.arn = "arn:\(partition):iam::\(account):role/\(role.1)"
        } else {
            return nil
        }
    }
}
