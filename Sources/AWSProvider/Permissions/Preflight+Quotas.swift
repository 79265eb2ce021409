import AWSCore
import AWSServices
import Sandbox

extension Preflight {
    /// One quota counts the processors of all machines of the standard families.
    /// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html>
    private static let standardFamilies: Set<String> = [
        "a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z",
    ]
    private static let standard = AccountQuota(
        serviceCode: "ec2", code: "L-1216C47A", name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
    )

    private static func isStandard(_ type: String) -> Bool {
        standardFamilies.contains(String(type.prefix { $0.isLetter }))
    }

    @Sendable func checkMachineQuota() async throws -> [PreflightFinding] {
        guard Self.isStandard(instanceType) else { return [] }
        async let limit = Self.standard.value(client)
        let used = try await processors(of: try await runningTypes())
        let wanted = try await processors(of: [instanceType: 1])
        guard let limit = try await limit, used + wanted > limit else { return [] }
        return [
            .problem(
                "a machine of type \(instanceType) has \(wanted) vCPUs, and \(used) of the account's \(limit) are in use "
                    + "in \(region)", advice: Self.standard.raising(to: limit + wanted, in: region), code: .temporary)
        ]
    }

    /// How many machines of each type count, without that of this build: it is gone on with.
    private func runningTypes() async throws -> [String: Int] {
        let filter = EC2.Filter(name: "instance-state-name", values: ["pending", "running"])
        var types: [String: Int] = [:]
        for try await machine in client.items(of: EC2.DescribeInstances(filters: [filter])) {
            guard let type = machine.instanceType, Self.isStandard(type), machine.instanceLifecycle == nil,
                !site.owns(machine.tags)
            else { continue }
            types[type, default: 0] += 1
        }
        return types
    }

    private func processors(of types: [String: Int]) async throws -> Int {
        guard !types.isEmpty else { return 0 }
        var sum = 0
        // AWS tells of at most 100 types that are named.
        let names = types.keys.sorted()
        for start in stride(from: 0, to: names.count, by: 100) {
            let some = Array(names[start..<min(start + 100, names.count)])
            for type in try await client.call(EC2.DescribeInstanceTypes(instanceTypes: some)).instanceTypes {
                sum += (types[type.instanceType] ?? 0) * (type.vCpuInfo?.defaultVCpus ?? 0)
            }
        }
        return sum
    }

    @Sendable func checkPublicImages() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "is-public", values: ["true"])
        var used = 0
        for try await image in client.items(of: EC2.DescribeImages(owners: ["self"], filters: [filter]))
        where !site.owns(image.tags) { used += 1 }
        try await AccountQuota.publicImages.check(used: used, client)
        return []
    }
}
