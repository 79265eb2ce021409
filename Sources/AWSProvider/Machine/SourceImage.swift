import AWSServices
import Sandbox

/// The AMI that a build machine starts from.
package struct SourceImage: Sendable, Equatable {
    package var id: String
    package var name: String
    /// Such as `/dev/sda1`.
    package var rootDeviceName: String
    /// GiB of its root volume, the least that a machine's may have.
    package var rootGiB: Int
    /// A volume that is made of it is encrypted too.
    package var isEncrypted: Bool
    /// Somebody is paid for it, or it is from the AWS Marketplace.
    package var isSold: Bool
    /// `legacy-bios`, `uefi` or `uefi-preferred`, which starts either way; `nil` where its owner says nothing.
    package var bootMode: String?

    package init(
        id: String, name: String, rootDeviceName: String, rootGiB: Int, isEncrypted: Bool = false,
        isSold: Bool = false, bootMode: String? = nil
    ) {
        self.id = id
        self.name = name
        self.rootDeviceName = rootDeviceName
        self.rootGiB = rootGiB
        self.isEncrypted = isEncrypted
        self.isSold = isSold
        self.bootMode = bootMode
    }

    /// - Returns: `nil` where AWS does not say what its root disk is.
    init?(_ image: EC2.Image) {
        guard let device = image.rootDeviceName,
            let root = image.blockDeviceMappings.first(where: { $0.deviceName == device })?.ebs,
            let size = root.volumeSize
        else { return nil }
        self.init(
            id: image.imageId, name: image.name ?? image.imageId, rootDeviceName: device, rootGiB: size,
            isEncrypted: image.blockDeviceMappings.contains { $0.ebs?.encrypted == true },
            isSold: !image.productCodes.isEmpty, bootMode: image.bootMode)
    }
}

extension Architecture {
    /// EC2's word for it.
    var ec2Name: String {
        switch self {
        case .amd64: "x86_64"
        case .arm64: "arm64"
        }
    }
}
