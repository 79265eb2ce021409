import FoundationEssentials

/// `manifest.json` beside the images: what they are, what they lack and what they were made from.
///
/// It is written last; a folder without it holds no finished build.
package struct Manifest: Sendable, Equatable, Codable {
    package static let fileName = "manifest.json"
    package static let checksumsFileName = "SHA256SUMS"

    package struct File: Sendable, Equatable, Codable {
        package var name: String
        package var format: ImageFormat
        package var bytes: Int64
        /// Lower-case hexadecimal; `nil` where only S3 has seen all of the file and keeps another sum.
        package var sha256: String?
        /// CRC-64/NVME in Base64, as S3 tells it.
        package var crc64: String?

        package init(name: String, format: ImageFormat, bytes: Int64, sha256: String?, crc64: String? = nil) {
            self.name = name
            self.format = format
            self.bytes = bytes
            self.sha256 = sha256
            self.crc64 = crc64
        }
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
    /// Hash of all that went into the images but the password.
    package var inputs: String
    /// The AMI that the files were exported from.
    package var machineImage: MachineImage?

    package init(
        _ order: BuildOrder, files: [File], missing: [MissingComponent], inputs: String, built: Date,
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
    package func imageName(_ format: ImageFormat) -> String { "\(imageStem).\(format.fileExtension)" }
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
