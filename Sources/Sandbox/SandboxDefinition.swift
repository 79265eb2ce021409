/// What `sandbox.yaml` says, with every default filled in: the one value that a build is made from.
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
    /// What else a release builds from it; `nil` where nothing is said.
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

    /// The asset id where none is given: the version.
    package var defaultAssetID: AssetID {
        get throws { try AssetID(version) }
    }

    /// The operating system that the sandbox is installed on.
    package struct BaseSystem: Sendable, Equatable, Codable {
        package enum Distribution: String, Sendable, Codable, CaseIterable { case debian, ubuntu }

        package var distribution: Distribution
        /// The release's code name, as in apt's sources: `bookworm`.
        package var suite: String
        /// Where packages come from: a URL, or `host` for what this machine itself uses.
        package var mirror: String
        package var architecture: Architecture

        package init(
            distribution: Distribution = .debian, suite: String = "bookworm", mirror: String = "host",
            architecture: Architecture = .amd64
        ) {
            self.distribution = distribution
            self.suite = suite
            self.mirror = mirror
            self.architecture = architecture
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
        /// The playbook's absolute path; its folder holds `roles/`.
        package var file: String
        /// The file with all pinned versions, absolute.
        package var pins: String
        /// The roles in the order in which the playbook runs them.
        package var roles: [String]
        /// Roles after which the installed system is kept in the cache; the last role always is.
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
        /// `OWNER/NAME` of the repository whose releases carry the images.
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

    /// Names that accounts already carry; `<asset-id>` stands for the asset id.
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
