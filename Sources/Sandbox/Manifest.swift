import FoundationEssentials

/// `manifest.json` next to the images: what they are, what is missing from them, and what they were built from.
///
/// It is written last; a folder without it holds no finished build. The Docker image of the same asset id is one more
/// entry; a manifest may describe that alone.
package struct Manifest: Sendable, Equatable, Codable {
    package static let fileName = "manifest.json"
    package static let checksumsFileName = "SHA256SUMS"

    package struct File: Sendable, Equatable, Codable {
        package var name: String
        package var format: ImageFormat
        package var bytes: Int64
        /// Lower-case hexadecimal; `nil` if only S3 has seen the whole file and keeps another checksum.
        package var sha256: String?
        /// CRC-64/NVME in Base64, as reported by S3.
        package var crc64: String?

        package init(name: String, format: ImageFormat, bytes: Int64, sha256: String?, crc64: String? = nil) {
            self.name = name
            self.format = format
            self.bytes = bytes
            self.sha256 = sha256
            self.crc64 = crc64
        }
    }

    /// The Docker image, an OCI image layout in the folder `docker`.
    package struct Container: Sendable, Equatable, Codable {
        package struct Layer: Sendable, Equatable, Codable {
            package var name: String
            package var digest: String
            package var bytes: Int64

            package init(name: String, digest: String, bytes: Int64) {
                self.name = name
                self.digest = digest
                self.bytes = bytes
            }
        }

        /// `[HOST[:PORT]/]ORG/REPO:VERSION`
        package var reference: String
        /// The digest of the image manifest.
        package var digest: String
        package var layers: [Layer]
        package var missing: [MissingComponent]
        package var user: String
        package var jupyterPort: Int
        /// Digest of everything that goes into the image.
        package var inputs: String
        /// Whether a registry has it under that reference.
        package var isPublished = false

        package init(
            reference: String, digest: String, layers: [Layer], missing: [MissingComponent], user: String,
            jupyterPort: Int, inputs: String
        ) {
            self.reference = reference
            self.digest = digest
            self.layers = layers
            self.missing = missing
            self.user = user
            self.jupyterPort = jupyterPort
            self.inputs = inputs
        }

        package var bytes: Int64 { layers.map(\.bytes).reduce(0, +) }
        package var pullLine: String { "docker pull \(reference)" }

        /// The folder of the layout, and its name while it is being written.
        package static let layoutName = "docker"
        package static let unfinishedLayoutName = ".docker.partial"
    }

    package var name: String
    package var version: String
    package var assetID: AssetID
    /// Time of the build in UTC, ISO 8601.
    package var built: Date
    package var distribution: String
    package var suite: String
    package var architecture: Architecture
    package var user: String
    package var jupyterPort: Int
    /// Virtual size of the disk in MiB.
    package var diskMiB: Int
    package var files: [File]
    package var missing: [MissingComponent]
    /// Digest of everything that goes into the images except the password; `nil` if that is unknown, or if there are no
    /// images.
    package var inputs: String?
    /// The AMI that the files were exported from.
    package var machineImage: MachineImage?
    package var container: Container?

    package init(
        _ order: BuildOrder, files: [File] = [], missing: [MissingComponent] = [], inputs: String? = nil, built: Date,
        machineImage: MachineImage? = nil
    ) {
        let definition = order.definition
        name = definition.name
        version = definition.version
        assetID = order.assetID
        self.built = built
        distribution = definition.base.distribution.rawValue
        suite = definition.base.suite
        architecture = definition.base.architecture
        user = definition.user.name
        jupyterPort = definition.ports.jupyter
        diskMiB = definition.disk.sizeMiB
        self.files = files
        self.missing = missing
        self.inputs = inputs
        self.machineImage = machineImage
    }

    /// The manifest in a file; `nil` if there is none that can be read.
    package static func read(_ path: String) -> Manifest? {
        FileManager.default.contents(atPath: path).flatMap { try? Manifest(json: String(decoding: $0, as: UTF8.self)) }
    }

    package init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        self = try decoder.decode(Manifest.self, from: Data(json.utf8))
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = .iso8601
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// The lines of `SHA256SUMS`, as `sha256sum --check` reads them, for the files of which that sum is known.
    package var checksums: String {
        files.compactMap { file in file.sha256.map { "\($0)  \(file.name)\n" } }.joined()
    }

    /// - Parameter location: where the file of that name lies.
    package func artifacts(at location: (_ name: String) -> String) -> [Artifact] {
        files.map {
            Artifact(
                format: $0.format, location: location($0.name), bytes: $0.bytes, sha256: $0.sha256, crc64: $0.crc64)
        }
    }

    /// Whether the files are what an order would give, as far as can be told without the password.
    package func fits(_ order: BuildOrder, inputs: String) -> Bool {
        self.inputs == inputs && Set(files.map(\.format)) == Set(order.definition.formats)
            && (missing.isEmpty || !order.isRelease)
    }
}

extension BuildOrder {
    /// The name of the image files without their ending.
    package var imageStem: String {
        "\(definition.name)-\(assetID.rawValue.replacing(" ", with: "-"))"
    }

    /// The name of the image file of a format.
    package func imageName(_ format: ImageFormat) -> String { format.fileName(imageStem) }
}

/// A finished file of a release.
package struct Artifact: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Path in the local bucket or URL of the object.
    package var location: String
    /// Length of the file in bytes, holes included.
    package var bytes: Int64
    /// Lower-case hexadecimal SHA-256 of the whole file; `nil` where only S3 has seen all of it and keeps another sum.
    package var sha256: String?
    /// CRC-64/NVME of the whole file, in Base64 as S3 tells it.
    package var crc64: String?

    package init(format: ImageFormat, location: String, bytes: Int64, sha256: String?, crc64: String? = nil) {
        self.format = format
        self.location = location
        self.bytes = bytes
        self.sha256 = sha256
        self.crc64 = crc64
    }
}

/// A disk-image format that a release may carry.
package enum ImageFormat: String, Sendable, Codable, CaseIterable, Hashable {
    case vhd
    case vmdk
    case raw
    case qcow2
    case ova

    /// The ending of the exported file.
    package var fileExtension: String { rawValue }

    package func fileName(_ stem: String) -> String { "\(stem).\(fileExtension)" }

    /// The people a format is for, in words for tables and the release notes.
    package var purpose: String {
        switch self {
        case .vhd: "Hyper-V, Azure, VirtualBox"
        case .vmdk: "VMware, VirtualBox, AWS import"
        case .raw: "dd, cloud providers"
        case .qcow2: "QEMU, libvirt, OpenStack"
        case .ova: "VMware and VirtualBox, with the machine's settings"
        }
    }
}
