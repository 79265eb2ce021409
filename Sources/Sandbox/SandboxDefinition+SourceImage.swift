/// What finds the AMI to start from: a public parameter that names it, else owner and name; the newest match is taken.
extension SandboxDefinition.AWS {
    package struct SourceImage: Sendable, Equatable, Codable {
        /// AWS account that owns the image.
        package var owner: String
        /// Name with wildcards, as EC2's `name` filter takes it.
        package var name: String
        /// The SSM parameter whose value is the image's id; where it is given, owner and name are not used.
        package var parameter: String?

        package init(owner: String, name: String, parameter: String? = nil) {
            self.owner = owner
            self.name = name
            self.parameter = parameter
        }
    }
}

extension SandboxDefinition.AWS.SourceImage {
    /// The official images of a release, by its distribution.
    /// Sources: <https://wiki.debian.org/Cloud/AmazonEC2Image>,
    /// <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>
    package init(of base: SandboxDefinition.BaseSystem) {
        let (suite, architecture) = (base.suite, base.architecture.rawValue)
        switch base.distribution {
        case .debian:
            self.init(owner: "136693071363", name: "debian-\(Self.debian[suite] ?? suite)-\(architecture)-*")
        case .ubuntu:
            // Since 23.10 their disks are of the newer type, which is part of the name.
            let disk = Self.olderUbuntu.contains(suite) ? "hvm-ssd" : "hvm-ssd-gp3"
            self.init(
                owner: "099720109477",
                name: "ubuntu/images/\(disk)/ubuntu-\(suite)-\(Self.ubuntu[suite] ?? "*")-\(architecture)-server-*")
        }
    }

    private static let debian = ["buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"]
    private static let ubuntu = [
        "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04", "oracular": "24.10",
        "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
    ]
    private static let olderUbuntu: Set<String> = ["bionic", "focal", "jammy"]
}
