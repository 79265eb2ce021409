import AWSCore
import AWSServices
import Sandbox

/// Whether the machine can be started.
extension Preflight {
    @Sendable func checkInstanceType() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "instance-type", values: [instanceType])
        let offered = try await client.call(EC2.DescribeInstanceTypeOfferings(filters: [filter]))
        guard !offered.instanceTypeOfferings.isEmpty else {
            return [
                .problem(
                    "\(region) has no machines of type \(instanceType)",
                    advice: "set aws.instance_type; 'aws ec2 describe-instance-type-offerings --region \(region)' "
                        + "lists what it has")
            ]
        }
        let wanted = definition.base.architecture.ec2Name
        let type = try await client.call(EC2.DescribeInstanceTypes(instanceTypes: [instanceType])).instanceTypes.first
        let known = type?.processorInfo?.supportedArchitectures ?? []
        guard !known.isEmpty, !known.contains(wanted) else { return [] }
        return [
            .problem(
                "machines of type \(instanceType) are \(known.joined(separator: " or ")), and base.architecture is "
                    + definition.base.architecture.rawValue,
                advice: "set aws.instance_type, for example to "
                    + (definition.base.architecture == .arm64 ? "t4g.medium" : "t3.medium"))
        ]
    }

    /// The machine's stack names no network.
    @Sendable func checkNetwork() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "is-default", values: ["true"])
        guard try await client.call(EC2.DescribeVpcs(filters: [filter])).vpcs.isEmpty else { return [] }
        return [
            .problem(
                "the account has no default VPC in \(region), in which the machine is started",
                advice: "aws ec2 create-default-vpc --region \(region)")
        ]
    }

    @Sendable func checkVolume() -> [PreflightFinding] {
        var found: [PreflightFinding] = []
        if let source, volumeGiB < source.rootGiB {
            found.append(
                .problem(
                    "the disk of \(source.id) has \(source.rootGiB) GiB, and aws.volume_size is \(volumeGiB) GiB",
                    advice: "--set aws.volume_size=\(source.rootGiB)GiB"))
        }
        if volumeGiB * 1024 < definition.disk.sizeMiB {
            let wanted = (definition.disk.sizeMiB + 1023) / 1024
            found.append(
                .problem(
                    "disk.size is \(wanted) GiB, and aws.volume_size is \(volumeGiB) GiB",
                    advice: "--set aws.volume_size=\(wanted)GiB"))
        }
        return found
    }
}
