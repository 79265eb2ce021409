import AWSCore
import AWSServices
import Foundation

/// Resources of an emulated account that take a few looks until they are there.
extension AWSClient {
    /// The emulator counts looks, not time, so they follow quickly.
    private static let polling = PollingPolicy(first: .milliseconds(1), longest: .milliseconds(5))

    /// Deploys a stack by a change set, as `dss` does.
    package func deploy(
        _ name: String, _ template: String, tags: [CloudFormation.Tag] = [], until status: String = "CREATE_COMPLETE"
    ) async throws {
        var create = CloudFormation.CreateChangeSet(
            stackName: name, changeSetName: "set", changeSetType: "CREATE", templateBody: template, parameters: [])
        create.tags = tags
        create.capabilities = ["CAPABILITY_NAMED_IAM"]
        _ = try await call(create)
        _ = try await call(CloudFormation.ExecuteChangeSet(changeSetName: "set", stackName: name))
        try await wait(for: name, at: Self.polling) { () -> Void? in
            let stack = try await call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
            return stack?.stackStatus == status ? () : nil
        }
    }

    /// A snapshot of 1 GiB with one block in it.
    package func makeSnapshot(_ description: String? = nil, tags: [EBS.Tag]? = nil) async throws -> String {
        let started = EBS.StartSnapshot(volumeSize: 1, description: description, tags: tags)
        let id = try await call(started).snapshotId
        _ = try await call(
            EBS.PutSnapshotBlock(
                snapshotId: id, blockIndex: 0, blockData: [UInt8](repeating: 7, count: EBS.blockSize)))
        _ = try await call(EBS.CompleteSnapshot(snapshotId: id, changedBlocksCount: 1))
        return id
    }

    /// An image of a snapshot, by default one of its own, when it is available.
    package func makeImage(
        _ name: String, of snapshot: String? = nil, tags: [EC2.TagSpecification] = []
    ) async throws -> String {
        let disk = if let snapshot { snapshot } else { try await makeSnapshot() }
        let register = EC2.RegisterImage(
            name: name, architecture: "x86_64", rootDeviceName: "/dev/sda1",
            blockDeviceMappings: [.init(deviceName: "/dev/sda1", ebs: .init(snapshotId: disk))],
            tagSpecifications: tags)
        let id = try await call(register).imageId
        try await wait(for: id, at: Self.polling) { () -> Void? in
            try await call(EC2.DescribeImages(imageIds: [id])).images.first?.state == "pending" ? nil : ()
        }
        return id
    }

    /// A key pair whose private key nobody has.
    /// - Returns: its ID.
    package func importKey(_ name: String, tags: [EC2.TagSpecification] = []) async throws -> String {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILFxq0MPYCBE/SZlIxUB/BL98pXX/kvqU58NPvfwC2Pz test@example"
        let pair = EC2.ImportKeyPair(keyName: name, publicKeyMaterial: Data(key.utf8), tagSpecifications: tags)
        return try await call(pair).keyPairId
    }
}
