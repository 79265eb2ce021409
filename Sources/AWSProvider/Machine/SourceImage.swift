import AWSCore
import AWSServices
import Sandbox

/// The AMI that a build instance starts from.
package struct SourceImage: Sendable, Equatable {
    package var id: String
    package var name: String
    /// Name of the root device, such as `/dev/sda1`.
    package var rootDeviceName: String
    /// Size of the root volume in GiB, the minimum for an instance.
    package var rootGiB: Int
    /// Whether the image is encrypted; volumes created from it are encrypted, too.
    package var isEncrypted: Bool
    /// Whether the image has product codes: it is a paid image or comes from the AWS Marketplace.
    package var isSold: Bool
    /// `legacy-bios`, `uefi` or `uefi-preferred`, which boots either way; `nil` if the image does not specify it.
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

    /// - Returns: `nil` if AWS does not report the root volume.
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
    /// The name that EC2 uses for the architecture.
    var ec2Name: String {
        switch self {
        case .amd64: "x86_64"
        case .arm64: "arm64"
        }
    }
}

/// Finding the source AMI of a build.
extension AWSWorkspace {
    /// - Parameter ami: an AMI id, or an SSM parameter that contains one; overrides the definition.
    /// - Throws: `Failure` if there is no such AMI, or if it does not fit the definition.
    package func sourceImage(_ definition: SandboxDefinition, ami: String?) async throws -> SourceImage {
        let architecture = definition.base.architecture
        switch try ami.map(SourceImageName.init) ?? definition.aws.sourceImage.parameter.map(SourceImageName.parameter)
        {
        case .image(let id): return try await Self.image(id, in: client).source(for: architecture)
        case .parameter(let name): return try await image(in: name).source(for: architecture)
        case nil: return try await newest(definition.aws.sourceImage, architecture)
        }
    }

    /// Finds the newest matching AMI that is not deprecated.
    private func newest(
        _ wanted: SandboxDefinition.AWS.SourceImage, _ architecture: Architecture
    ) async throws -> SourceImage {
        let filters = [
            ("name", wanted.name), ("architecture", architecture.ec2Name), ("state", "available"),
        ].map { EC2.Filter(name: $0.0, values: [$0.1]) }
        var list = EC2.DescribeImages(owners: [wanted.owner], filters: filters)
        list.maxResults = 1000
        list.includeDeprecated = false
        var newest: EC2.Image?
        for try await image in client.items(of: list)
        where image.unfitness(for: architecture) == nil && image.age > newest?.age ?? ("", "") { newest = image }
        guard let newest else {
            throw Failure(
                .failed,
                "no source AMI found: account \(wanted.owner) has no AMI in \(region) with the name "
                    + "'\(wanted.name)' and the architecture \(architecture.ec2Name)",
                advice: "set aws.source_image.owner and aws.source_image.name in the definition, or specify an AMI")
        }
        return try newest.source(for: architecture)
    }

    private func image(in parameter: String) async throws -> EC2.Image {
        let value: String
        do {
            value = try await client.call(SSM.GetParameter(name: parameter)).parameter.value
        } catch let error as AWSError where error.code == "ParameterNotFound" {
            throw Failure(
                .failed, "SSM parameter \(parameter) does not exist in \(region)",
                advice: "aws ssm get-parameter --region \(region) --name \(parameter)")
        }
        guard case .image(let id)? = try? SourceImageName(value) else {
            throw Failure(.failed, "SSM parameter \(parameter) contains '\(value)', which is not an AMI id")
        }
        return try await Self.image(id, in: client)
    }

    /// Finds an AMI by its id, whoever owns it.
    static func image(_ id: String, in client: AWSClient) async throws -> EC2.Image {
        do {
            if let image = try await client.call(EC2.DescribeImages(imageIds: [id])).images.first { return image }
        } catch let error as AWSError where error.code.hasPrefix("InvalidAMIID.") {}
        throw Failure(
            .failed, "AMI \(id) does not exist in \(client.region), or is not shared with this account",
            advice: "aws ec2 describe-images --region \(client.region) --image-ids \(id)")
    }
}

extension EC2.Image {
    /// Converts the AMI to a source image.
    /// - Parameter architecture: the architecture in the definition; `nil` to accept the AMI's own.
    /// - Throws: `Failure` if no instance can be started from the AMI.
    func source(for architecture: Architecture?) throws -> SourceImage {
        let wrong = unfitness(for: architecture)
        guard wrong == nil, let source = SourceImage(self) else {
            throw Failure(
                .failed,
                "cannot start an instance from AMI \(imageId)\(name.map { " (\($0))" } ?? ""): "
                    + (wrong ?? "AWS does not report its root volume"),
                advice: architecture == nil ? nil : "specify another AMI, or let the definition select the newest one")
        }
        return source
    }

    /// The reason why no instance can be started from the AMI; `nil` if one can.
    fileprivate func unfitness(for wanted: Architecture?) -> String? {
        if state != "available" { return "it is \(state)" }
        if let wanted, architecture != wanted.ec2Name {
            return "it is for \(architecture ?? "an unknown architecture"), but base.architecture is "
                + wanted.rawValue
        }
        if rootDeviceType != "ebs" { return "its root volume is not an EBS volume (\(rootDeviceType ?? "unknown"))" }
        if virtualizationType != "hvm" {
            return "its virtualization type is \(virtualizationType ?? "unknown"), not hvm"
        }
        return nil
    }

    /// Sort key for the newest AMI. The id makes the choice deterministic for equal dates.
    fileprivate var age: (String, String) { (creationDate ?? "", imageId) }
}

/// A reference to the source AMI: its id, or the SSM parameter that contains the id.
package enum SourceImageName: Sendable, Equatable {
    case image(String)
    case parameter(String)

    /// - Parameter text: an AMI id (`ami-…`), a parameter name that begins with a slash, or any parameter name with the
    ///   prefix `ssm:` or `resolve:ssm:`, the notation of AWS.
    /// - Throws: `Failure` if it is neither.
    package init(_ text: String) throws {
        let bare = text.replacing(/^(?:resolve:)?ssm:/, with: "")
        if text.wholeMatch(of: /ami-[0-9a-f]{8,17}/) != nil {
            self = .image(text)
        } else if (bare != text || bare.hasPrefix("/")) && bare.wholeMatch(of: /[A-Za-z0-9_.\-\/:]+/) != nil {
            self = .parameter(bare)
        } else {
            throw Failure(
                .usage, "'\(text)' is neither an AMI id nor an SSM parameter",
                advice: "use an AMI id (ami-…) or a parameter such as ssm:/aws/service/debian/release/12/latest/amd64")
        }
    }
}
