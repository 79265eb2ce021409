import AWSCore
import AWSServices
import AWSTestSupport
import Foundation

extension MutatingOperation {
    static let tags: [EC2.Tag] = [.init(key: "exa_dss_id", value: "0.1.0")]

    static func specification(_ type: String) -> EC2.TagSpecification { .init(resourceType: type, tags: tags) }

    /// A disk of an image that is registered from a snapshot.
    static func disk(_ snapshot: String) -> [EC2.BlockDeviceMapping] {
        [.init(deviceName: "/dev/sda1", ebs: .init(snapshotId: snapshot))]
    }

    static func images(_ client: AWSClient, _ name: String) async throws -> [EC2.Image] {
        try await client.all(
            EC2.DescribeImages(owners: ["self"], filters: [.init(name: "name", values: [name])]))
    }

    static let images = [
        MutatingOperation("ec2", "CreateImage") { client, name in
            let instance = try await machine(client, name)
            return Trial {
                let create = EC2.CreateImage(
                    instanceId: instance, name: name,
                    tagSpecifications: [specification("image"), specification("snapshot")])
                _ = try await client.call(create)
            } count: {
                try await images(client, name).count
            }
        },
        MutatingOperation("ec2", "RegisterImage") { client, name in
            let snapshot = try await client.makeSnapshot()
            return Trial {
                _ = try await client.call(
                    EC2.RegisterImage(
                        name: name, architecture: "x86_64", rootDeviceName: "/dev/sda1",
                        blockDeviceMappings: disk(snapshot), tagSpecifications: [specification("image")]))
            } count: {
                try await images(client, name).count
            }
        },
        MutatingOperation("ec2", "CopyImage") { client, name in
            let image = try await client.makeImage(name)
            return Trial {
                _ = try await client.call(
                    EC2.CopyImage(
                        name: "\(name)-copy", sourceImageId: image, sourceRegion: client.region,
                        tagSpecifications: [specification("image")]))
            } count: {
                try await images(client, "\(name)-copy").count
            }
        },
        MutatingOperation("ec2", "DeregisterImage") { client, name in
            let image = try await client.makeImage(name)
            return Trial {
                _ = try await client.call(EC2.DeregisterImage(imageId: image))
            } count: {
                1 - (try await images(client, name).count)
            }
        },
        MutatingOperation("ec2", "ModifyImageAttribute") { client, name in
            let image = try await client.makeImage(name)
            return Trial {
                _ = try await client.call(
                    EC2.ModifyImageAttribute(imageId: image, launchPermission: .init(add: [.init(group: "all")])))
            } count: {
                try await client.call(EC2.DescribeImageAttribute(imageId: image)).launchPermissions.count
            }
        },
        MutatingOperation("ec2", "EnableImageDeprecation") { client, name in
            let image = try await client.makeImage(name)
            return Trial {
                let date = Date().addingTimeInterval(86_400)
                _ = try await client.call(EC2.EnableImageDeprecation(imageId: image, deprecateAt: date))
            } count: {
                try await images(client, name).count { $0.deprecationTime != nil }
            }
        },
        MutatingOperation("ec2", "CreateTags") { client, name in
            let image = try await client.makeImage(name)
            return Trial {
                _ = try await client.call(EC2.CreateTags(resources: [image], tags: tags))
            } count: {
                try await images(client, name).first?.tags.count ?? 0
            }
        },
    ]

    static let snapshots = [
        MutatingOperation("ec2", "DeleteSnapshot") { client, _ in
            let snapshot = try await client.makeSnapshot()
            return Trial {
                _ = try await client.call(EC2.DeleteSnapshot(snapshotId: snapshot))
            } count: {
                try await client.isMissing(EC2.DescribeSnapshots(snapshotIds: [snapshot])) ? 1 : 0
            }
        },
        MutatingOperation("ec2", "ModifySnapshotAttribute") { client, _ in
            let snapshot = try await client.makeSnapshot()
            return Trial {
                _ = try await client.call(
                    EC2.ModifySnapshotAttribute(
                        snapshotId: snapshot, createVolumePermission: .init(add: [.init(group: "all")])))
            } count: {
                try await client.call(EC2.DescribeSnapshotAttribute(snapshotId: snapshot)).createVolumePermissions.count
            }
        },
    ]

    static let keyPairs = [
        MutatingOperation("ec2", "ImportKeyPair") { client, name in
            Trial {
                _ = try await client.call(
                    EC2.ImportKeyPair(
                        keyName: name, publicKeyMaterial: Data(publicKey.utf8),
                        tagSpecifications: [specification("key-pair")]))
            } count: {
                try await pairs(client, name)
            }
        },
        MutatingOperation("ec2", "DeleteKeyPair") { client, name in
            _ = try await client.importKey(name)
            return Trial {
                _ = try await client.call(EC2.DeleteKeyPair(keyName: name))
            } count: {
                1 - (try await pairs(client, name))
            }
        },
    ]

    private static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILFxq0MPYCBE/SZlIxUB/BL98pXX/kvqU58NPvfwC2Pz test@example"

    private static func pairs(_ client: AWSClient, _ name: String) async throws -> Int {
        let search = EC2.DescribeKeyPairs(filters: [.init(name: "key-name", values: [name])])
        return try await client.call(search).keyPairs.count
    }
}
