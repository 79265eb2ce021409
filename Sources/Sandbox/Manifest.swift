import FoundationEssentials

/// `manifest.json` next to the images: what they are, which components are missing and what they were built from.
///
/// The manifest is written last, so a folder without it holds no finished build. It also lists the Docker image of the
/// same asset id, and it may describe a Docker image alone.
package struct Manifest: Sendable, Equatable, Codable {
    package static let fileName = "manifest.json"
    package static let checksumsFileName = "SHA256SUMS"
    /// Lists the files of a publication that has not ended yet.
    package static let claimFileName = ".publishing"
    /// The files that are published and withdrawn with the images, in addition to the manifest.
    package static let companionNames = [checksumsFileName, StartInstructions.fileName]

    package struct File: Sendable, Equatable, Codable {
        package var name: String
        package var format: ImageFormat
        package var bytes: Int64
        /// SHA-256 in lowercase hexadecimal; `nil` if only S3 has read the whole file and keeps another checksum.
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
        /// Digest of all inputs of the image.
        package var inputs: String
        /// Whether the image was pushed to a registry under `reference`.
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

        /// Name of the folder with the OCI layout. `unfinishedLayoutName` is its name while it is being written.
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
    /// Digest of all inputs of the images except the password; `nil` if it is unknown or there are no images.
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

    /// Reads a manifest from a file; `nil` if there is no readable manifest.
    package static func read(_ path: String) -> Manifest? {
        FileManager.default.contents(atPath: path).flatMap { try? Manifest(json: String(decoding: $0, as: UTF8.self)) }
    }

    /// - Throws: `Failure` with code `.badData` if a file would be outside the folder of the manifest; another error if
    ///   this version cannot read the manifest.
    package init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        self = try decoder.decode(Manifest.self, from: Data(json.utf8))
        if let file = files.first(where: { !$0.hasPlainName }) {
            throw Failure(
                .badData, "the manifest of '\(assetID)' names a file outside its directory: '\(file.name)'",
                advice: "do not use these images: their manifest was changed after the build")
        }
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = .iso8601
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// The contents of `SHA256SUMS` in the format of `sha256sum --check`, for all files whose SHA-256 is known.
    package var checksums: String {
        files.compactMap { file in file.sha256.map { "\($0)  \(file.name)\n" } }.joined()
    }

    /// Describes the files as artifacts.
    /// - Parameter location: returns the path or URL of the file with the given name.
    package func artifacts(at location: (_ name: String) -> String) -> [Artifact] {
        files.map {
            Artifact(
                format: $0.format, location: location($0.name), bytes: $0.bytes, sha256: $0.sha256, crc64: $0.crc64)
        }
    }

    /// Whether the images contain the system that an order would build, as far as this can be determined without the
    /// password.
    package func isSameSystem(as order: BuildOrder, inputs: String) -> Bool {
        name == order.definition.name && self.inputs == inputs && !files.isEmpty
            && (missing.isEmpty || !order.isRelease)
    }

    /// The formats of this system that are published after an order: the published ones stay, unless only those of the
    /// order are wanted.
    package func formats(after order: BuildOrder) -> [ImageFormat] {
        let (published, wanted) = (files.map(\.format), order.definition.formats)
        return published.filter { wanted.contains($0) || !order.keepsOnlyItsFormats }
            + wanted.filter { !published.contains($0) }
    }

    /// Says which images a new system replaces, and which of them it removes; `nil` if there are none.
    /// - Parameter formats: the formats of the new system.
    package func replacementNotice(_ formats: [ImageFormat]) -> String? {
        guard !files.isEmpty else { return nil }
        let removed = files.map(\.format).filter { !formats.contains($0) }
        return "replacing the images of an earlier build of \(assetID) (\(files.map(\.format).listed)) "
            + "as soon as the new ones are complete"
            + (removed.isEmpty ? "" : "; not built again, and therefore removed: \(removed.listed)")
    }
}

extension Manifest.File {
    /// Whether the name is that of a visible file in the folder of the manifest, and not a path.
    fileprivate var hasPlainName: Bool {
        !name.isEmpty && !name.hasPrefix(".")
            && !name.unicodeScalars.contains { $0 == "/" || $0.properties.generalCategory == .control }
    }
}

extension BuildOrder {
    /// The name of the image files without the extension.
    package var imageStem: String {
        "\(definition.name)-\(assetID.rawValue.replacing(" ", with: "-"))"
    }

    /// The name of the image file in a format.
    package func imageName(_ format: ImageFormat) -> String { format.fileName(imageStem) }
}

/// A finished file of a release.
package struct Artifact: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Path in the local bucket, or URL of the object.
    package var location: String
    /// Length of the file in bytes, including holes.
    package var bytes: Int64
    /// SHA-256 of the whole file in lowercase hexadecimal; `nil` if only S3 has read the whole file and keeps another
    /// checksum.
    package var sha256: String?
    /// CRC-64/NVME of the whole file in Base64, as reported by S3.
    package var crc64: String?

    package init(format: ImageFormat, location: String, bytes: Int64, sha256: String?, crc64: String? = nil) {
        self.format = format
        self.location = location
        self.bytes = bytes
        self.sha256 = sha256
        self.crc64 = crc64
    }
}

/// A disk image format that a release may contain.
package enum ImageFormat: String, Sendable, Codable, CaseIterable, Hashable {
    case vhd
    case vmdk
    case raw
    case qcow2
    case ova
    case vhdFixed = "vhd-fixed"
    case vhdx
    case gcp
    case vmdkSparse = "vmdk-sparse"

    /// What follows the common stem in the name of the exported file; different for each format.
    private var ending: String {
        switch self {
        // Azure takes only names that end with .vhd.
        case .vhdFixed: "-fixed.vhd"
        case .gcp: ".tar.gz"
        case .vmdkSparse: "-sparse.vmdk"
        case .vhd, .vmdk, .raw, .qcow2, .ova, .vhdx: ".\(rawValue)"
        }
    }

    package func fileName(_ stem: String) -> String { stem + ending }

    /// Whether a file of some format in the folder of an asset id has such a name.
    package static func isImageName(_ name: String) -> Bool {
        !name.contains("/") && !name.hasPrefix(".") && allCases.contains { $0.stem(of: name) != nil }
    }

    /// The reverse of `fileName`; `nil` if a file of this format has another kind of name.
    package func stem(of fileName: String) -> String? {
        fileName.hasSuffix(ending) ? String(fileName.dropLast(ending.count)) : nil
    }

    /// The programs and platforms that a format is for, as shown in tables and release notes.
    package var purpose: String {
        switch self {
        case .vhd: "Hyper-V, VirtualBox"
        case .vmdk: "VMware, VirtualBox, AWS import"
        case .raw: "dd, cloud providers"
        case .qcow2: "QEMU, libvirt, OpenStack"
        case .ova: "VMware and VirtualBox, with the machine's settings"
        case .vhdFixed: "Azure"
        case .vhdx: "Hyper-V, generation 2"
        case .gcp: "Google Cloud"
        case .vmdkSparse: "VMware, VirtualBox, without a conversion"
        }
    }
}

extension [ImageFormat] {
    /// `vhd, vmdk`
    package var listed: String { map(\.rawValue).joined(separator: ", ") }
}
