import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Determines the format of an image file from its content and checks that the file is complete.
package struct ImageInspector: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// - Throws: `Failure` with code `.badData` if the file is missing, not an image, damaged or truncated.
    package func inspect(_ path: String) async throws -> ImageInfo {
        try await inspect(path, as: nil)
    }

    /// - Parameter expected: the format, if it is known; a file in another format is an error.
    func inspect(_ path: String, as expected: ImageFormat?) async throws -> ImageInfo {
        let signature = try Self.signature(of: path)
        guard expected == nil || expected == signature.format else {
            throw Failure(
                .badData, "\(path) has format \(signature.format.rawValue), expected \(expected?.rawValue ?? "")")
        }
        if let mistake = signature.mistake { throw Failure(.badData, "\(path) is \(mistake)") }
        if signature.format == .gcp { return try await inspectArchive(path) }
        let node = try QemuBlockNode(path: path, format: signature.format)
        let answer = try await runTool(
            path,
            Command(
                "qemu-img", ["info", "--output=json", "--image-opts", node.options], environment: ["LC_ALL": "C"]))
        let description = try decode(path, answer)
        if [.qcow2, .vmdk, .vmdkSparse, .vhdx].contains(signature.format) {
            _ = try await runTool(
                path,
                Command(
                    "qemu-img", ["check", "-q", "--image-opts", node.options], environment: ["LC_ALL": "C"]))
        }
        let size = try FileSize(of: path)
        return ImageInfo(
            format: signature.format, virtualBytes: description.virtualSize, fileBytes: size.length,
            subformat: signature.subformat ?? description.subformat)
    }

    private func inspectArchive(_ path: String) async throws -> ImageInfo {
        let listing = try await runTool(path, DiskArchive(path: path).listing)
        guard let bytes = DiskArchive.size(in: listing) else {
            throw Failure(
                .badData, "\(path) is not an archive with \(DiskArchive.diskName) alone",
                advice: "use a .tar.gz file written by create-vm")
        }
        return ImageInfo(format: .gcp, virtualBytes: bytes, fileBytes: try FileSize(of: path).length)
    }

    /// Reads the signature of an image, which takes no other program and no time.
    /// - Throws: `Failure` if there is no file that can be read, or if it is not a supported image.
    package static func signature(of path: String) throws -> ImageSignature {
        try requireFile(path)
        return try ImageSignature(path: path)
    }

    private static func requireFile(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure(
                .badData, "no such image: \(path)", advice: "list the images on this host with: dss show-assets")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.badData, "\(path) is not a regular file")
        }
        guard access(path, R_OK) == 0 else { throw Failure(.noPermission, "no permission to read \(path)") }
    }

    private func runTool(_ path: String, _ command: Command) async throws -> String {
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw Failure(
                .badData, "\(path) is damaged or truncated", details: CommandFailure(command, output).lastLines,
                advice: "compare its SHA-256 with SHA256SUMS, and download or build it again")
        }
        return output.standardOutput
    }

    private func decode(_ path: String, _ answer: String) throws -> QemuImageDescription {
        do {
            return try JSONDecoder().decode(QemuImageDescription.self, from: Data(answer.utf8))
        } catch {
            throw Failure(.badData, "cannot parse what qemu-img info prints for \(path): \(error)")
        }
    }
}

/// The relevant part of the output of `qemu-img info --output=json`.
struct QemuImageDescription: Decodable, Equatable {
    var virtualSize: Int64
    var subformat: String?

    private enum CodingKeys: String, CodingKey {
        case virtualSize = "virtual-size"
        case specific = "format-specific"
    }

    private struct Specific: Decodable {
        struct Content: Decodable {
            var createType: String?
            var compression: String?

            enum CodingKeys: String, CodingKey {
                case createType = "create-type"
                case compression = "compression-type"
            }
        }
        var data: Content
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualSize = try container.decode(Int64.self, forKey: .virtualSize)
        let content = try? container.decode(Specific.self, forKey: .specific).data
        subformat = content?.createType ?? content?.compression
    }
}

/// Properties of a disk image, read from the file itself.
package struct ImageInfo: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Size of the disk as seen by a machine.
    package var virtualBytes: Int64
    /// Length of the file, including holes.
    package var fileBytes: Int64
    /// The variant of the format: `streamOptimized`, `dynamic`, `compressed`.
    package var subformat: String?

    package init(format: ImageFormat, virtualBytes: Int64, fileBytes: Int64, subformat: String? = nil) {
        self.format = format
        self.virtualBytes = virtualBytes
        self.fileBytes = fileBytes
        self.subformat = subformat
    }
}

/// The image format detected from the first and last bytes of a file, and whether the file is complete.
package struct ImageSignature: Sendable, Equatable {
    package var format: ImageFormat
    package var subformat: String?
    /// Why the file cannot be complete, as a phrase that follows "is"; `nil` if no problem is detected.
    package var mistake: String?

    package init(format: ImageFormat, subformat: String? = nil, mistake: String? = nil) {
        self.format = format
        self.subformat = subformat
        self.mistake = mistake
    }

    /// - Throws: `Failure` with code `.badData` if the file is not a supported image.
    package init(path: String) throws {
        let length = try FileSize(of: path).length
        let head = try readBytes(path, count: 1536)
        // The footers of VHD (512 bytes) and of stream-optimized VMDK (the last 1536 bytes) are at the end.
        let end = try readBytes(path, at: max(0, length - 1536), count: 1536)
        guard let signature = Self.find(head: head, end: end, length: length) else {
            throw Failure(
                .badData, "\(path) is not a supported disk image",
                advice: "supported formats: \(ImageFormat.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = signature
    }

    static func find(head: [UInt8], end: [UInt8], length: Int64) -> ImageSignature? {
        let whole = { (format: ImageFormat, subformat: String?, isWhole: Bool) in
            ImageSignature(format: format, subformat: subformat, mistake: isWhole ? nil : "truncated or incomplete")
        }
        if has(head, "QFI\u{fb}", at: 0) { return ImageSignature(format: .qcow2) }
        if has(head, "KDMV", at: 0) { return vmdk(head, end, length, whole) }
        if has(head, "conectix", at: 0) {
            // A dynamic disk starts with a copy of its footer (Virtual Hard Disk Image Format 1.0).
            return whole(.vhd, vhdType(head), has(end, "conectix", at: end.count - 512))
        }
        if has(end, "conectix", at: end.count - 512) {
            let type = vhdType(Array(end.suffix(512)))
            return whole(type == "fixed" ? .vhdFixed : .vhd, type, true)
        }
        if has(head, "vhdxfile", at: 0) { return ImageSignature(format: .vhdx) }
        // gzip (RFC 1952, 2.3.1) with the only method there is; the list of the archive shows what is in it.
        if head.starts(with: [0x1f, 0x8b, 8]) { return ImageSignature(format: .gcp) }
        if has(head, "ustar", at: 257) { return ImageSignature(format: .ova, subformat: "streamOptimized") }
        if has(head, "EFI PART", at: 512) {
            // The header names the sector of its backup, the last sector of the disk (UEFI Specification 5.3.2).
            let lastSector = number(head, at: 512 + 32, bytes: 8)
            return whole(.raw, nil, lastSector < UInt64(length) / 512)
        }
        if head.count >= 512, head[510] == 0x55, head[511] == 0xaa { return whole(.raw, nil, length % 512 == 0) }
        return nil
    }

    /// The grains of a stream-optimized disk are compressed, which bit 16 of the flags in its header says. It can have
    /// all ones as the offset of the grain directory there, and the actual offset in a footer before the last sector
    /// (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents").
    private static func vmdk(
        _ head: [UInt8], _ end: [UInt8], _ length: Int64, _ whole: (ImageFormat, String?, Bool) -> ImageSignature
    ) -> ImageSignature {
        guard number(head, at: 8, bytes: 4) & 1 << 16 != 0 else { return whole(.vmdkSparse, nil, length % 512 == 0) }
        let isStream = number(head, at: 56, bytes: 8) == .max
        return whole(.vmdk, nil, !isStream || has(end, "KDMV", at: end.count - 1024))
    }

    /// Disk type, a big-endian number at 60: 2 fixed, 3 dynamic, 4 differencing.
    private static func vhdType(_ footer: [UInt8]) -> String {
        switch footer.count > 63 ? footer[63] : 0 {
        case 2: "fixed"
        case 3: "dynamic"
        default: "differencing"
        }
    }

    private static func has(_ bytes: [UInt8], _ magic: String, at offset: Int) -> Bool {
        let wanted = magic.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        return offset >= 0 && bytes.count >= offset + wanted.count
            && bytes[offset..<offset + wanted.count].elementsEqual(wanted)
    }

    private static func number(_ bytes: [UInt8], at offset: Int, bytes count: Int) -> UInt64 {
        guard bytes.count >= offset + count else { return 0 }
        return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
