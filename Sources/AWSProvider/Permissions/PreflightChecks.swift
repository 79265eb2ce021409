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

extension Preflight {
    /// Stack, bucket and role are there, and the bucket in the region of the build.
    @Sendable func checkBucket() async throws -> [PreflightFinding] {
        let bucket: ImageBucket
        if let known = self.bucket { bucket = known } else { bucket = try await ImageBucket.find(in: site) }
        async let place = checkPlace(of: bucket)
        return try await checkRole(of: bucket) + place
    }

    private var mending: String { "dss \(PermanentStack.vmBucket.command) --region \(region)" }

    private func checkPlace(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        let place: String
        do {
            place = try await client.call(S3.HeadBucket(bucket: bucket.name)).bucketRegion
        } catch let error as AWSError where error.status == 404 {
            return [.problem("the bucket \(bucket.name) is gone, which its stack has made", advice: mending)]
        } catch let error as AWSError where [301, 400].contains(error.status) {
            return [.problem("the bucket \(bucket.name) is not in \(region): \(error.message)", advice: mending)]
        }
        guard place != region else { return [] }
        return [.problem("the bucket \(bucket.name) is in \(place), not in \(region)", advice: mending)]
    }

    private func checkRole(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        guard method == .vmExport else { return [] }
        do {
            _ = try await client.call(IAM.GetRole(roleName: bucket.exportRole))
            return []
        } catch let error as AWSError where error.code == "NoSuchEntity" {
            return [.problem("the role \(bucket.exportRole) is gone, by which AWS writes exports", advice: mending)]
        } catch let error as AWSError where error.kind == .denied {
            return [.notice("the role \(bucket.exportRole) could not be checked: \(error)")]
        }
    }
}

/// What AWS exports, and what not.
/// Source: <https://docs.aws.amazon.com/vm-import/latest/userguide/limits-image-export.html>
extension Preflight {
    @Sendable func checkExport() async throws -> [PreflightFinding] {
        guard method == .vmExport, !formats.isEmpty else { return [] }
        async let isEncrypted = encryptsByDefault()
        return unknownFormats() + unexportable() + oversize() + ambiguousBoot() + (try await isEncrypted)
    }

    private static let otherMethod = "export it with --export-method ebs-direct"

    private func unknownFormats() -> [PreflightFinding] {
        let unknown = formats.filter { !VMExport.formats.contains($0) }
        guard !unknown.isEmpty else { return [] }
        let names = unknown.map(\.rawValue).joined(separator: " and ")
        return [.problem("AWS exports vhd, vmdk and raw alone, not \(names)", advice: Self.otherMethod)]
    }

    private func unexportable() -> [PreflightFinding] {
        var found: [PreflightFinding] = []
        if definition.base.architecture != .amd64 {
            found.append(
                .problem(
                    "AWS exports images for amd64 alone, and base.architecture is "
                        + definition.base.architecture.rawValue, advice: Self.otherMethod))
        }
        if let source, source.isSold {
            found.append(
                .problem(
                    "AWS exports no image that is made of one with product codes, as \(source.id) has",
                    advice: "start from another image: aws.source_image in the definition"))
        }
        if let source, source.isEncrypted {
            found.append(
                .problem(
                    "AWS exports no encrypted image, and the disk of \(source.id) is encrypted",
                    advice: Self.otherMethod))
        }
        return found
    }

    private func oversize() -> [PreflightFinding] {
        guard volumeGiB > 1024 else { return [] }
        return [
            .problem(
                "AWS exports disks of up to 1 TiB, and aws.volume_size is \(volumeGiB) GiB",
                advice: "make it smaller, or \(Self.otherMethod)")
        ]
    }

    /// AWS documents that it does not export them; whether that holds for every such image it does not say.
    private func ambiguousBoot() -> [PreflightFinding] {
        guard let source, source.bootMode == "uefi-preferred" else { return [] }
        return [
            .warning(
                "\(source.id) starts by BIOS and by UEFI, and AWS says that it does not export images whose GRUB is "
                    + "set up for both", advice: "should the export fail, run again with --export-method ebs-direct")
        ]
    }

    private func encryptsByDefault() async throws -> [PreflightFinding] {
        guard source != nil, try await client.call(EC2.GetEbsEncryptionByDefault()).ebsEncryptionByDefault == true
        else { return [] }
        return [
            .problem(
                "AWS exports no encrypted image, and the account encrypts all new disks in \(region)",
                advice: Self.otherMethod)
        ]
    }

    /// By default 5 at the same time in a region; AWS raises it up to 20.
    @Sendable func checkRunningExports() async throws -> [PreflightFinding] {
        guard method == .vmExport else { return [] }
        var active = 0
        for try await task in client.items(of: EC2.DescribeExportImageTasks()) where task.status == "active" {
            active += 1
        }
        let text = "\(active) exports are running in \(region)"
        if active >= 20 {
            return [
                .problem(
                    "\(text), and AWS allows no more than 20", advice: "wait until some have ended", code: .temporary)
            ]
        }
        return active < 5 ? [] : [.warning("\(text), and AWS allows 5 unless it has raised that for the account")]
    }
}
