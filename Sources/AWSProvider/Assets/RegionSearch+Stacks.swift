import AWSCore
import AWSServices
import Sandbox

/// Stacks, and what is found through them: machines, the bucket, CodeBuild's projects.
extension RegionSearch {
    struct FoundStacks: Sendable {
        /// Of all stacks that are there.
        var names: Set<String> = []
        var stackOfResource: [String: String] = [:]
        var assets: [AWSAsset] = []
    }

    func stacks() async throws -> FoundStacks {
        async let tagged = wants(.instance) ? instances([rules.tagFilter]) : []
        var found = FoundStacks()
        var place: AssetBucket?
        var ours: [AWSAsset] = []
        var permanent: [AWSAsset] = []
        for try await stack in client.items(of: CloudFormation.DescribeStacks()) {
            found.names.insert(stack.stackName)
            if stack.stackName == PermanentStack.vmBucket.name { place = self.bucket(of: stack) }
            if let owner = rules.owner(of: stack) {
                ours.append(AWSAsset(stack, in: region, of: owner, rules))
            } else if rules.isPermanent(stack.stackName) {
                permanent.append(AWSAsset(stack, in: region, of: "", rules))
            }
        }
        let bucket = place
        async let stored = stored(in: bucket)
        let parts = try await parts(of: ours + (wants(.build) ? permanent : []))
        let projects = parts.filter { $0.name == "AWS::CodeBuild::Project" }.map(\.id)
        found.stackOfResource = Dictionary(parts.map { ($0.id, $0.parent ?? "") }) { first, _ in first }
        async let builds = wants(.build) ? builds(of: projects) : []
        let machines = try await tagged
        async let untagged = machinesOfStacks(parts, besides: machines)
        let shown = Set(ours.map(\.id))
        if wants(.stack) || wants(.keyPair) { found.assets += ours }
        if wants(.resource) { found.assets += parts.filter { shown.contains($0.parent ?? "") && !$0.isEnded } }
        found.assets += machines
        found.assets += try await untagged
        found.assets += try await builds
        found.assets += try await stored
        return found
    }

    private func bucket(of stack: CloudFormation.Stack) -> AssetBucket? {
        let outputs = Dictionary(stack.outputs.map { ($0.outputKey ?? "", $0.outputValue) }) { first, _ in first }
        guard let name = outputs[PermanentStack.Output.bucket] ?? nil else { return nil }
        let domain = outputs[PermanentStack.Output.domainName] ?? nil
        return AssetBucket(name: name, prefix: rules.names.bucketPrefix, region: region, domain: domain)
    }

    private func parts(of stacks: [AWSAsset]) async throws -> [AWSAsset] {
        try await withThrowingTaskGroup(of: [AWSAsset].self) { group in
            for stack in stacks {
                group.addTask {
                    do {
                        return try await assets(CloudFormation.ListStackResources(stackName: stack.id)) {
                            AWSAsset($0, of: stack)
                        }
                    } catch let error as AWSError where error.code == "ValidationError" {
                        return []  // It went away meanwhile.
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func instances(_ filters: [EC2.Filter], of owners: [String: String] = [:]) async throws -> [AWSAsset] {
        try await assets(EC2.DescribeInstances(filters: filters)) { instance in
            let owner = rules.owner(instance.tags, stackName: nil) ?? owners[instance.instanceId]
            return owner.map { AWSAsset(instance, in: region, of: $0, rules, prices) }
        }
    }

    /// Machines without our tag, for whoever made the stack by hand.
    private func machinesOfStacks(_ parts: [AWSAsset], besides known: [AWSAsset]) async throws -> [AWSAsset] {
        guard wants(.instance) else { return [] }
        let machines = parts.filter { $0.name == "AWS::EC2::Instance" && !$0.isPermanent }
        let owners = Dictionary(machines.map { ($0.id, $0.assetID) }) { first, _ in first }
        let missing = Set(owners.keys).subtracting(known.map(\.id)).sorted()
        return try await inPortions(of: missing) {
            try await instances([.init(name: "instance-id", values: $0)], of: owners)
        }
    }

    private func builds(of projects: [String]) async throws -> [AWSAsset] {
        try await withThrowingTaskGroup(of: [AWSAsset].self) { group in
            for project in projects { group.addTask { try await builds(of: project) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func builds(of project: String) async throws -> [AWSAsset] {
        var found: [AWSAsset] = []
        for try await page in client.pages(of: CodeBuild.ListBuildsForProject(projectName: project)) {
            guard let ids = page.ids, !ids.isEmpty else { continue }
            let builds = try await client.call(CodeBuild.BatchGetBuilds(ids: ids)).builds ?? []
            found += builds.compactMap { build in
                rules.owner(of: build).map { AWSAsset(build, in: region, of: $0) }
            }
        }
        return found
    }

    func keyPairs() async throws -> [AWSAsset] {
        async let tagged = client.call(EC2.DescribeKeyPairs(filters: [rules.tagFilter])).keyPairs
        let names = EC2.Filter(name: "key-name", values: [rules.keyPairNames])
        let named = try await client.call(EC2.DescribeKeyPairs(filters: [names])).keyPairs
        var known: Set<String> = []
        return try await (tagged + named).compactMap { pair in
            guard known.insert(pair.keyPairId).inserted else { return nil }
            return rules.owner(pair.tags, stackName: pair.keyName).map { AWSAsset(pair, in: region, of: $0) }
        }
    }
}
