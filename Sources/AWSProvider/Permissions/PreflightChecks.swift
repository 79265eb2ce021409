import AWSCore
import AWSServices
import Sandbox

extension Preflight {
    /// Checks that the names are free. An existing resource of this build is reused; any other one is a conflict.
    @Sendable func checkNames() async throws -> [PreflightFinding] {
        async let image = checkImageName()
        async let stack = checkStackName()
        return try await checkKeyPairName() + image + stack
    }

    private func checkImageName() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "name", values: [workspace.imageName])
        let list = EC2.DescribeImages(owners: ["self"], filters: [filter])
        return try await client.call(list).images.filter { !workspace.owns($0.tags) }.map { image in
            taken(
                "AMI \(image.imageId) is named \(workspace.imageName)", image.tags,
                by: "aws ec2 deregister-image --region \(region) --image-id \(image.imageId)")
        }
    }

    private func checkStackName() async throws -> [PreflightFinding] {
        guard source != nil, let stack = try await Stacks(client, .silent).stack(workspace.stackName) else { return [] }
        let tags = stack.tags.map { EC2.Tag(key: $0.key, value: $0.value) }
        if workspace.owns(tags) { return [] }
        // A stack whose change set was never executed has no tags; the deployment replaces it.
        if StackState(status: stack.stackStatus) == .draft { return [] }
        return [
            taken(
                "stack \(workspace.stackName) exists", tags, by: StackCommands.remove(workspace.stackName, in: region))
        ]
    }

    private func checkKeyPairName() async throws -> [PreflightFinding] {
        guard source != nil, makesKeyPair else { return [] }
        let filter = EC2.Filter(name: "key-name", values: [workspace.stackName])
        let pairs = try await client.call(EC2.DescribeKeyPairs(filters: [filter])).keyPairs
        return pairs.filter { !workspace.owns($0.tags) }.map { pair in
            taken(
                "key pair \(pair.keyPairId) is named \(workspace.stackName)", pair.tags,
                by: "aws ec2 delete-key-pair --region \(region) --key-pair-id \(pair.keyPairId)")
        }
    }

    private func taken(_ what: String, _ tags: [EC2.Tag], by removal: String) -> PreflightFinding {
        let tag = tags.first { $0.key == workspace.names.tagKey }
        let owner = tag.map { "it belongs to asset id \($0.value)" } ?? "it has no \(workspace.names.tagKey) tag"
        return .problem(
            "\(what) but does not belong to this build: \(owner)",
            advice: "use another --asset-id, or delete it: \(removal)")
    }
}

extension Preflight {
    /// Instance families that share one vCPU quota.
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
                "instance type \(instanceType) needs \(wanted) vCPUs, but \(used) of the account's \(limit) are in use "
                    + "in \(region)", advice: Self.standard.raising(to: limit + wanted, in: region), code: .temporary)
        ]
    }

    /// Number of On-Demand instances of each type that count toward the quota, without the instance of this build,
    /// which is reused.
    private func runningTypes() async throws -> [String: Int] {
        let filter = EC2.Filter(name: "instance-state-name", values: ["pending", "running"])
        var types: [String: Int] = [:]
        for try await machine in client.items(of: EC2.DescribeInstances(filters: [filter])) {
            guard let type = machine.instanceType, Self.isStandard(type), machine.instanceLifecycle == nil,
                !workspace.owns(machine.tags)
            else { continue }
            types[type, default: 0] += 1
        }
        return types
    }

    private func processors(of types: [String: Int]) async throws -> Int {
        guard !types.isEmpty else { return 0 }
        var sum = 0
        // DescribeInstanceTypes accepts at most 100 types.
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
        where !workspace.owns(image.tags) { used += 1 }
        try await AccountQuota.publicImages.check(used: used, client)
        return []
    }
}

/// Checks that the instance can be started.
extension Preflight {
    @Sendable func checkInstanceType() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "instance-type", values: [instanceType])
        let offered = try await client.call(EC2.DescribeInstanceTypeOfferings(filters: [filter]))
        guard !offered.instanceTypeOfferings.isEmpty else {
            return [
                .problem(
                    "instance type \(instanceType) is not available in \(region)",
                    advice: "set aws.instance_type; 'aws ec2 describe-instance-type-offerings --region \(region)' "
                        + "lists the available types")
            ]
        }
        let wanted = definition.base.architecture.ec2Name
        let type = try await client.call(EC2.DescribeInstanceTypes(instanceTypes: [instanceType])).instanceTypes.first
        let known = type?.processorInfo?.supportedArchitectures ?? []
        guard !known.isEmpty, !known.contains(wanted) else { return [] }
        return [
            .problem(
                "instance type \(instanceType) is \(known.joined(separator: " or ")), but base.architecture is "
                    + definition.base.architecture.rawValue,
                advice: "set aws.instance_type, for example to "
                    + (definition.base.architecture == .arm64 ? "t4g.medium" : "t3.medium"))
        ]
    }

    /// The template of the instance specifies no network, so it needs the default VPC.
    @Sendable func checkNetwork() async throws -> [PreflightFinding] {
        let filter = EC2.Filter(name: "is-default", values: ["true"])
        guard try await client.call(EC2.DescribeVpcs(filters: [filter])).vpcs.isEmpty else { return [] }
        return [
            .problem(
                "the account has no default VPC in \(region) for the instance",
                advice: "aws ec2 create-default-vpc --region \(region)")
        ]
    }

    @Sendable func checkVolume() -> [PreflightFinding] {
        var found: [PreflightFinding] = []
        if let source, volumeGiB < source.rootGiB {
            found.append(
                .problem(
                    "the disk of \(source.id) has \(source.rootGiB) GiB, but aws.volume_size is \(volumeGiB) GiB",
                    advice: "--set aws.volume_size=\(source.rootGiB)GiB"))
        }
        if volumeGiB * 1024 < definition.disk.sizeMiB {
            let wanted = (definition.disk.sizeMiB + 1023) / 1024
            found.append(
                .problem(
                    "disk.size is \(wanted) GiB, but aws.volume_size is \(volumeGiB) GiB",
                    advice: "--set aws.volume_size=\(wanted)GiB"))
        }
        return found
    }
}

extension Preflight {
    /// Checks that stack, bucket and role exist, and that the bucket is in the region of the build.
    @Sendable func checkBucket() async throws -> [PreflightFinding] {
        let bucket: ImageBucket
        if let known = self.bucket {
            bucket = known
        } else {
            bucket = try await ImageBucket.find(in: workspace.client, for: .export)
        }
        async let place = checkPlace(of: bucket)
        return try await checkRole(of: bucket) + place
    }

    private var remedy: String { "dss \(PermanentStack.vmBucket.command) --region \(region)" }

    private func checkPlace(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        let place: String
        do {
            place = try await client.call(S3.HeadBucket(bucket: bucket.name)).bucketRegion
        } catch let error as AWSError where error.status == 404 {
            return [.problem("bucket \(bucket.name), which its stack created, no longer exists", advice: remedy)]
        } catch let error as AWSError where [301, 400].contains(error.status) {
            return [.problem("bucket \(bucket.name) is not in \(region): \(error.message)", advice: remedy)]
        }
        guard place != region else { return [] }
        return [.problem("bucket \(bucket.name) is in \(place), not in \(region)", advice: remedy)]
    }

    private func checkRole(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        guard method == .vmExport, let role = bucket.exportRole else { return [] }
        do {
            _ = try await client.call(IAM.GetRole(roleName: role))
            return []
        } catch let error as AWSError where error.code == "NoSuchEntity" {
            return [.problem("role \(role), which AWS uses for exports, no longer exists", advice: remedy)]
        } catch let error as AWSError where error.kind == .denied {
            return [.notice("could not check role \(role): \(error)")]
        }
    }
}

/// Checks against the limits of VM Export.
/// Source: <https://docs.aws.amazon.com/vm-import/latest/userguide/limits-image-export.html>
extension Preflight {
    @Sendable func checkExport() async throws -> [PreflightFinding] {
        guard method == .vmExport, !formats.isEmpty else { return [] }
        async let isEncrypted = encryptsByDefault()
        return unknownFormats() + unexportable() + oversize() + ambiguousBoot() + (try await isEncrypted)
    }

    private static let otherMethod = "use --export-method ebs-direct"

    private func unknownFormats() -> [PreflightFinding] {
        let unknown = formats.filter { !VMExport.formats.contains($0) }
        guard !unknown.isEmpty else { return [] }
        let names = unknown.map(\.rawValue).joined(separator: " and ")
        return [.problem("AWS can export only vhd, vmdk and raw, not \(names)", advice: Self.otherMethod)]
    }

    private func unexportable() -> [PreflightFinding] {
        var found: [PreflightFinding] = []
        if definition.base.architecture != .amd64 {
            found.append(
                .problem(
                    "AWS can export only amd64 images, but base.architecture is "
                        + definition.base.architecture.rawValue, advice: Self.otherMethod))
        }
        if let source, source.isSold {
            found.append(
                .problem(
                    "AWS cannot export an image based on an AMI with product codes, such as \(source.id)",
                    advice: "set aws.source_image in the definition to another image"))
        }
        if let source, source.isEncrypted {
            found.append(
                .problem(
                    "AWS cannot export encrypted images, and the disk of \(source.id) is encrypted",
                    advice: Self.otherMethod))
        }
        return found
    }

    private func oversize() -> [PreflightFinding] {
        guard volumeGiB > 1024 else { return [] }
        return [
            .problem(
                "AWS can export disks of up to 1 TiB, but aws.volume_size is \(volumeGiB) GiB",
                advice: "make it smaller, or \(Self.otherMethod)")
        ]
    }

    /// AWS documents that images whose GRUB supports BIOS and UEFI cannot be exported, but not whether that applies to
    /// every `uefi-preferred` image. Therefore this is only a warning.
    private func ambiguousBoot() -> [PreflightFinding] {
        guard let source, source.bootMode == "uefi-preferred" else { return [] }
        return [
            .warning(
                "\(source.id) boots with BIOS and with UEFI; according to AWS, images whose GRUB is set up for "
                    + "both cannot be exported",
                advice: "if the export fails, run the command again with --export-method ebs-direct")
        ]
    }

    private func encryptsByDefault() async throws -> [PreflightFinding] {
        guard source != nil, try await client.call(EC2.GetEbsEncryptionByDefault()).ebsEncryptionByDefault == true
        else { return [] }
        return [
            .problem(
                "AWS cannot export encrypted images, and the account encrypts all new volumes in \(region)",
                advice: Self.otherMethod)
        ]
    }

    /// The default quota is 5 concurrent exports per region; AWS raises it to at most 20 on request.
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
                    "\(text), and AWS allows no more than 20", advice: "wait for some of them to finish",
                    code: .temporary)
            ]
        }
        return active < 5 ? [] : [.warning("\(text); AWS allows 5 unless the quota of the account was raised")]
    }
}
