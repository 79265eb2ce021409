import AWSCore
import AWSServices
import Sandbox

extension Preflight {
    /// What has the name already and is of this build is gone on with; anything else is in the way.
    @Sendable func checkNames() async throws -> [PreflightFinding] {
        async let image = checkImageName()
        async let stack = checkStackName()
        return try await checkKeyPairName() + image + stack
    }

    private func checkImageName() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "name", values: [site.imageName])
        let list = EC2.DescribeImages(owners: ["self"], filters: [filter])
        return try await client.call(list).images.filter { !site.owns($0.tags) }.map { image in
            taken(
                "the AMI \(image.imageId) has the name \(site.imageName)", image.tags,
                by: "aws ec2 deregister-image --region \(region) --image-id \(image.imageId)")
        }
    }

    private func checkStackName() async throws -> [PreflightFinding] {
        guard source != nil, let stack = try await Stacks(client, .silent).stack(site.stackName) else { return [] }
        let tags = stack.tags.map { EC2.Tag(key: $0.key, value: $0.value) }
        if site.owns(tags) { return [] }
        // What was never executed has no tags and is thrown away by whoever finds it.
        if StackState(status: stack.stackStatus) == .draft { return [] }
        return [taken("a stack is called \(site.stackName)", tags, by: StackAdvice.remove(site.stackName, in: region))]
    }

    private func checkKeyPairName() async throws -> [PreflightFinding] {
        guard source != nil, makesKeyPair else { return [] }
        let filter = EC2.Filter(name: "key-name", values: [site.stackName])
        let pairs = try await client.call(EC2.DescribeKeyPairs(filters: [filter])).keyPairs
        return pairs.filter { !site.owns($0.tags) }.map { pair in
            taken(
                "the key pair \(pair.keyPairId) has the name \(site.stackName)", pair.tags,
                by: "aws ec2 delete-key-pair --region \(region) --key-pair-id \(pair.keyPairId)")
        }
    }

    private func taken(_ what: String, _ tags: [EC2.Tag], by removal: String) -> PreflightFinding {
        let tag = tags.first { $0.key == site.names.tagKey }
        let owner = tag.map { "it is of asset id \($0.value)" } ?? "it has no tag \(site.names.tagKey)"
        return .problem(
            "\(what) and is not of this build: \(owner)", advice: "take another --asset-id, or remove it: \(removal)")
    }
}
