import AWSCore
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

/// Finding the AMI to start from.
extension BuildSite {
    /// - Parameter ami: an AMI's id or a parameter that has it, instead of what the definition says.
    /// - Throws: `Failure` where there is none, or where it cannot be what the definition wants.
    package func sourceImage(_ definition: SandboxDefinition, ami: String?) async throws -> SourceImage {
        let architecture = definition.base.architecture
        switch try ami.map(SourceImageName.init) ?? definition.aws.sourceImage.parameter.map(SourceImageName.parameter)
        {
        case .image(let id): return try await Self.image(id, in: client).source(for: architecture)
        case .parameter(let name): return try await image(in: name).source(for: architecture)
        case nil: return try await newest(definition.aws.sourceImage, architecture)
        }
    }

    /// Deprecated ones are not among them: AWS leaves them out.
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
                "no image to start from: account \(wanted.owner) has none in \(region) that is called "
                    + "'\(wanted.name)' and is for \(architecture.ec2Name)",
                advice: "set aws.source_image.owner and aws.source_image.name in the definition, or name an AMI")
        }
        return try newest.source(for: architecture)
    }

    private func image(in parameter: String) async throws -> EC2.Image {
        let value: String
        do {
            value = try await client.call(SSM.GetParameter(name: parameter)).parameter.value
        } catch let error as AWSError where error.code == "ParameterNotFound" {
            throw Failure(
                .failed, "there is no parameter \(parameter) in \(region)",
                advice: "aws ssm get-parameter --region \(region) --name \(parameter)")
        }
        guard case .image(let id)? = try? SourceImageName(value) else {
            throw Failure(.failed, "the parameter \(parameter) has no AMI's id, but '\(value)'")
        }
        return try await Self.image(id, in: client)
    }

    /// Whoever owns it.
    static func image(_ id: String, in client: AWSClient) async throws -> EC2.Image {
        do {
            if let image = try await client.call(EC2.DescribeImages(imageIds: [id])).images.first { return image }
        } catch let error as AWSError where error.code.hasPrefix("InvalidAMIID.") {}
        throw Failure(
            .failed, "there is no AMI \(id) in \(client.region), or it is not yours to use",
            advice: "aws ec2 describe-images --region \(client.region) --image-ids \(id)")
    }
}

extension EC2.Image {
    /// What a machine is started from; refused before anything is made where none can be.
    /// - Parameter architecture: the definition's; `nil` where the image's own is what is wanted.
    func source(for architecture: Architecture?) throws -> SourceImage {
        let wrong = unfitness(for: architecture)
        guard wrong == nil, let source = SourceImage(self) else {
            throw Failure(
                .failed,
                "no machine can be started from AMI \(imageId)\(name.map { " (\($0))" } ?? ""): "
                    + (wrong ?? "AWS does not say what its root disk is"),
                advice: architecture == nil ? nil : "name another AMI, or let the definition find the newest")
        }
        return source
    }

    /// Why no machine can be started from it.
    fileprivate func unfitness(for wanted: Architecture?) -> String? {
        if state != "available" { return "it is \(state)" }
        if let wanted, architecture != wanted.ec2Name {
            return "it is for \(architecture ?? "an unknown architecture"), and base.architecture is "
                + wanted.rawValue
        }
        if rootDeviceType != "ebs" { return "its root disk is no EBS volume (\(rootDeviceType ?? "unknown"))" }
        if virtualizationType != "hvm" { return "its virtualization is \(virtualizationType ?? "unknown"), not hvm" }
        return nil
    }

    /// By which the newest is found; of two of the same time always the same.
    fileprivate var age: (String, String) { (creationDate ?? "", imageId) }
}

/// How somebody names the AMI to start from: by its id, or by the SSM parameter that has it.
package enum SourceImageName: Sendable, Equatable {
    case image(String)
    case parameter(String)

    /// - Parameter text: `ami-…`; a parameter's name with a slash at its beginning, or any behind `ssm:` or
    ///   `resolve:ssm:`, as AWS itself writes it.
    /// - Throws: `Failure` where it is neither.
    package init(_ text: String) throws {
        let bare = text.replacing(/^(?:resolve:)?ssm:/, with: "")
        if text.wholeMatch(of: /ami-[0-9a-f]{8,17}/) != nil {
            self = .image(text)
        } else if (bare != text || bare.hasPrefix("/")) && bare.wholeMatch(of: /[A-Za-z0-9_.\-\/:]+/) != nil {
            self = .parameter(bare)
        } else {
            throw Failure(
                .usage, "'\(text)' names no AMI",
                advice: "name it by its id, ami-…, or by a parameter, such as ssm:/aws/service/debian/release/12/"
                    + "latest/amd64")
        }
    }
}
