import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Makes an AMI of a snapshot.
package struct Registration: Sendable {
    package let site: BuildSite
    package let name: String
    package let traits: ImageTraits

    package init(_ site: BuildSite, name: String, traits: ImageTraits) {
        self.site = site
        self.name = name
        self.traits = traits
    }

    /// As Ubuntu's images name it.
    private static let rootDevice = "/dev/sda1"

    package func run(
        _ disk: DiskUpload.Output, undo: Undo, events: @escaping EventSink
    ) async throws -> CapturedImage {
        await register(undo)
        let id = try await site.client.call(order(disk)).imageId
        return try await finish(id, disk, events)
    }

    /// Goes on with an image that an earlier run has registered.
    func finish(
        _ image: EC2.Image, _ disk: DiskUpload.Output, _ undo: Undo, _ events: @escaping EventSink
    ) async throws -> CapturedImage {
        // One that is available has been given to somebody perhaps, and stays.
        if image.state == "pending" { await register(undo) }
        return try await finish(image.imageId, disk, events)
    }

    private func finish(
        _ id: String, _ disk: DiskUpload.Output, _ events: @escaping EventSink
    ) async throws -> CapturedImage {
        let image = try await activity("AMI", events) {
            events(.progress(.capture, Progress("wait for the AMI \(id)")))
            return try await images.waitUntilAvailable(id, of: "the AMI")
        }
        if image.deprecationTime == nil {
            let date = site.now().addingTimeInterval(ImageCapture.lifetime)
            _ = try await site.client.call(EC2.EnableImageDeprecation(imageId: id, deprecateAt: date))
        }
        return CapturedImage(id: id, name: name, snapshotID: disk.snapshotID, volumeGiB: disk.volumeGiB)
    }

    private func register(_ undo: Undo) async {
        await undo.register("the AMI \(name)", remedy: site.remedy) {
            // Only one of ours has our tag.
            guard let image = try await images.named(name), site.owns(image.tags) else { return }
            try await images.remove(image)
        }
    }

    private var images: OwnImages { OwnImages(site.client, pace: site.pace) }

    private func order(_ disk: DiskUpload.Output) -> EC2.RegisterImage {
        let root = EC2.EbsBlockDevice(
            snapshotId: disk.snapshotID, volumeSize: disk.volumeGiB, volumeType: "gp3", deleteOnTermination: true)
        var order = EC2.RegisterImage(
            name: name, architecture: traits.name, rootDeviceName: Self.rootDevice,
            blockDeviceMappings: [EC2.BlockDeviceMapping(deviceName: Self.rootDevice, ebs: root)],
            tagSpecifications: site.specifications("image", tags: tags))
        order.description = "Data-science sandbox \(site.assetID)"
        order.virtualizationType = "hvm"
        order.enaSupport = true
        order.bootMode = traits.bootMode.rawValue
        order.imdsSupport = "v2.0"
        return order
    }

    private var tags: [EC2.Tag] {
        site.tags.map { $0.key == "Name" ? EC2.Tag(key: "Name", value: name) : $0 }
    }
}
