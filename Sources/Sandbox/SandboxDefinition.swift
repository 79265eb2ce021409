/// The contents of `sandbox.yaml` with all defaults applied: the definition that a build starts from.
package struct SandboxDefinition: Sendable, Equatable, Codable {
    package var name: String
    package var version: String
    package var base: BaseSystem
    package var disk: Disk
    package var user: User
    package var playbook: Playbook
    package var ports: Ports
    package var formats: [ImageFormat]
    package var github: GitHub
    package var aws: AWS
    package var names: Names
    /// Further sandboxes that a release builds from this definition; `nil` if the file does not mention variants.
    package var variants: [SandboxVariant]?

    package init(
        name: String, version: String, base: BaseSystem = .init(), disk: Disk = .init(), user: User = .init(),
        playbook: Playbook, ports: Ports = .init(), formats: [ImageFormat] = [.vhd, .vmdk],
        github: GitHub = .init(), aws: AWS = .init(), names: Names = .init(),
        variants: [SandboxVariant]? = nil
    ) {
        self.name = name
        self.version = version
        self.base = base
        self.disk = disk
        self.user = user
        self.playbook = playbook
        self.ports = ports
        self.formats = formats
        self.github = github
        self.aws = aws
        self.names = names
        self.variants = variants
    }

    /// The asset id to use if none is given: the version.
    package var defaultAssetID: AssetID {
        get throws { try AssetID(version) }
    }

    /// The operating system that the sandbox is installed on.
    package struct BaseSystem: Sendable, Equatable, Codable {
        package enum Distribution: String, Sendable, Codable, CaseIterable { case debian, ubuntu }

        package var distribution: Distribution
        /// Code name of the release, as in apt's sources: `bookworm`.
        package var suite: String
        /// The package mirror of builds: a URL, or `host` for the package sources of this host.
        package var mirror: String
        /// The mirror of security updates during builds: a URL, or `none`. `nil` leaves it to `mirror`.
        package var securityMirror: String?
        /// The package sources that the finished sandbox has.
        package var sources: ImageSources
        package var architecture: Architecture

        package init(
            distribution: Distribution = .debian, suite: String = "bookworm", mirror: String = "host",
            securityMirror: String? = nil, sources: ImageSources = .public, architecture: Architecture = .amd64
        ) {
            self.distribution = distribution
            self.suite = suite
            self.mirror = mirror
            self.securityMirror = securityMirror
            self.sources = sources
            self.architecture = architecture
        }

        /// The base system with mirrors that contain neither user names nor passwords. They decide who may read the
        /// packages, and nothing about the result.
        package var withoutCredentials: BaseSystem {
            var base = self
            base.mirror = Self.withoutCredentials(mirror)
            base.securityMirror = securityMirror.map(Self.withoutCredentials)
            return base
        }

        /// A URL without user name and password.
        package static func withoutCredentials(_ url: String) -> String {
            guard let scheme = url.firstRange(of: "://") else { return url }
            let rest = url[scheme.upperBound...]
            guard let at = rest.prefix(while: { $0 != "/" }).lastIndex(of: "@") else { return url }
            return String(url[..<scheme.upperBound] + rest[rest.index(after: at)...])
        }

        package enum ImageSources: String, Sendable, Codable, CaseIterable {
            /// The public archives of the distribution.
            case `public`
            /// The mirrors of the build, without user names and passwords.
            case mirror
        }
    }

    package struct Disk: Sendable, Equatable, Codable {
        /// Virtual size in MiB; the file itself is sparse.
        package var sizeMiB: Int

        package init(sizeMiB: Int = 8192) {
            self.sizeMiB = sizeMiB
        }
    }

    package struct User: Sendable, Equatable, Codable {
        /// The login user: member of sudo and docker, with the default password until the first login.
        package var name: String

        package init(name: String = "ubuntu") {
            self.name = name
        }
    }

    package struct Playbook: Sendable, Equatable, Codable {
        /// Absolute path of the playbook; its folder contains `roles/`.
        package var file: String
        /// Absolute path of the file with all pinned versions.
        package var pins: String
        /// The roles in the order in which the playbook runs them.
        package var roles: [String]
        /// Roles after which the installed system is kept in the cache. It is always kept after the last role.
        package var checkpoints: [String]
        package var variables: [String: Variable]

        package init(
            file: String, pins: String, roles: [String], checkpoints: [String] = [],
            variables: [String: Variable] = [:]
        ) {
            self.file = file
            self.pins = pins
            self.roles = roles
            self.checkpoints = checkpoints
            self.variables = variables
        }
    }

    package struct Ports: Sendable, Equatable, Codable {
        package var jupyter: Int

        package init(jupyter: Int = 49494) {
            self.jupyter = jupyter
        }
    }

    package struct GitHub: Sendable, Equatable, Codable {
        /// `OWNER/NAME` of the repository whose releases contain the images.
        package var repository: String

        package init(repository: String = "exasol/data-science-sandbox") {
            self.repository = repository
        }
    }

    package struct AWS: Sendable, Equatable, Codable {
        package var regions: [String]
        package var instanceType: String
        package var volumeSizeGiB: Int
        package var sourceImage: SourceImage

        package init(
            regions: [String] = ["eu-central-1"], instanceType: String = "t3.medium", volumeSizeGiB: Int = 100,
            sourceImage: SourceImage = .init(of: BaseSystem())
        ) {
            self.regions = regions
            self.instanceType = instanceType
            self.volumeSizeGiB = volumeSizeGiB
            self.sourceImage = sourceImage
        }
    }

    /// Names that are already in use in AWS accounts. `<asset-id>` is the placeholder for the asset id.
    package struct Names: Sendable, Equatable, Codable {
        package var tagKey: String
        package var bucketPrefix: String
        package var ami: String
        package var stack: String

        package init(
            tagKey: String = "exa_dss_id", bucketPrefix: String = "data_science_sandbox",
            ami: String = "Exasol-Data-Science-Sandbox-<asset-id>",
            stack: String = "EC2-DATA-SCIENCE-SANDBOX-<asset-id>"
        ) {
            self.tagKey = tagKey
            self.bucketPrefix = bucketPrefix
            self.ami = ami
            self.stack = stack
        }
    }
}

/// Query for the AMI to start from: a public parameter that names it, or else owner and name, of which the newest match
/// is used.
extension SandboxDefinition.AWS {
    package struct SourceImage: Sendable, Equatable, Codable {
        /// AWS account that owns the image.
        package var owner: String
        /// Name with wildcards, in the syntax of EC2's `name` filter.
        package var name: String
        /// The SSM parameter whose value is the id of the image. If it is set, owner and name are ignored.
        package var parameter: String?

        package init(owner: String, name: String, parameter: String? = nil) {
            self.owner = owner
            self.name = name
            self.parameter = parameter
        }
    }
}

extension SandboxDefinition.AWS.SourceImage {
    /// The official images of a release of the distribution.
    /// Sources: <https://wiki.debian.org/Cloud/AmazonEC2Image>,
    /// <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>
    package init(of base: SandboxDefinition.BaseSystem) {
        let (suite, architecture) = (base.suite, base.architecture.rawValue)
        switch base.distribution {
        case .debian:
            self.init(owner: "136693071363", name: "debian-\(Self.debian[suite] ?? suite)-\(architecture)-*")
        case .ubuntu:
            // Since Ubuntu 23.10, the disks are of type gp3, which is part of the image name.
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

/// One of several sandboxes that a release builds from one definition.
package struct SandboxVariant: Sendable, Equatable, Codable {
    /// Name of the variant, which becomes part of its asset id: variant `big` is built as `0.1.0-big`.
    package var name: String
    package var settings: [Setting]

    package init(name: String, settings: [Setting]) {
        self.name = name
        self.settings = settings
    }

    /// A key of the definition and its value, in the syntax of flags and environment variables.
    package struct Setting: Sendable, Equatable, Codable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }
}

extension SandboxDefinition.Playbook {
    /// A role that runs at the end of every step, to remove caches and logs before the state is kept. `roles` therefore
    /// does not contain it.
    package static let tidyRole = "tidy"

    /// The roles, split after each checkpoint, so that the cached result of early roles survives a change in a late
    /// role.
    package var steps: [PlaybookStep] {
        var groups: [[String]] = [[]]
        for role in roles {
            groups[groups.count - 1].append(role)
            if checkpoints.contains(role) { groups.append([]) }
        }
        groups.removeAll(where: \.isEmpty)
        return groups.enumerated().map { index, roles in
            PlaybookStep(index: index, roles: roles, includesTasks: index == groups.count - 1)
        }
    }
}

/// The value of a playbook variable, limited to types that both YAML and JSON support and that variables need.
package enum Variable: Sendable, Hashable, Codable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case list([Variable])
    case map([String: Variable])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode([Variable].self) {
            self = .list(value)
        } else if let value = try? container.decode([String: Variable].self) {
            self = .map(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        }
    }
}

/// A processor architecture by its Debian name.
package enum Architecture: String, Sendable, Codable, CaseIterable {
    case amd64
    case arm64
}
