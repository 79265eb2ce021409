import FoundationEssentials
import Sandbox
import Workbench

/// What the first and last bytes of a file say about its format, and whether the end is where it should be.
package struct ImageSignature: Sendable, Equatable {
    package var format: ImageFormat
    package var subformat: String?
    /// Why the file cannot be whole, in words behind "is".
    package var mistake: String?

    package init(format: ImageFormat, subformat: String? = nil, mistake: String? = nil) {
        self.format = format
        self.subformat = subformat
        self.mistake = mistake
    }

    /// - Throws: `Failure` with code `.badData` where the file is no image that can be used.
    package init(path: String) throws {
        let length = try FileSize(of: path).length
        let head = try readBytes(path, count: 1536)
        // The footers of VHD (512 bytes) and of stream-optimized VMDK (the last 1536 bytes) stand at the end.
        let end = try readBytes(path, at: max(0, length - 1536), count: 1536)
        guard let signature = Self.find(head: head, end: end, length: length) else {
            throw Failure(
                .badData, "\(path) is no disk image that can be used here",
                advice: "give a \(ImageFormat.allCases.map(\.rawValue).joined(separator: ", ")) file")
        }
        self = signature
    }

    static func find(head: [UInt8], end: [UInt8], length: Int64) -> ImageSignature? {
        let whole = { (format: ImageFormat, subformat: String?, isWhole: Bool) in
            ImageSignature(format: format, subformat: subformat, mistake: isWhole ? nil : "cut off or not finished")
        }
        if has(head, "QFI\u{fb}", at: 0) { return ImageSignature(format: .qcow2) }
        if has(head, "KDMV", at: 0) { return vmdk(head, end, whole) }
        if has(head, "conectix", at: 0) {
            // A dynamic disk begins with a copy of its footer (Virtual Hard Disk Image Format 1.0).
            return whole(.vhd, vhdType(head), has(end, "conectix", at: end.count - 512))
        }
        if has(end, "conectix", at: end.count - 512) {
            return whole(.vhd, vhdType(Array(end.suffix(512))), true)
        }
        if has(head, "ustar", at: 257) { return ImageSignature(format: .ova, subformat: "streamOptimized") }
        if has(head, "EFI PART", at: 512) {
            // The header names the sector of its backup, which is the last of the disk (UEFI Specification 5.3.2).
            let lastSector = number(head, at: 512 + 32, bytes: 8)
            return whole(.raw, nil, lastSector < UInt64(length) / 512)
        }
        if head.count >= 512, head[510] == 0x55, head[511] == 0xaa { return whole(.raw, nil, length % 512 == 0) }
        return nil
    }

    /// A stream-optimized disk has all ones as position of its grain directory in the header, and the true one in
    /// a footer before the last sector (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents").
    private static func vmdk(
        _ head: [UInt8], _ end: [UInt8], _ whole: (ImageFormat, String?, Bool) -> ImageSignature
    ) -> ImageSignature {
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
