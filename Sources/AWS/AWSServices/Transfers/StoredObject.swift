import AWSCore
import Digests

/// A stored object to download: its pieces, and the checksum to verify them against.
struct StoredObject: Sendable {
    enum Check: Sendable, Equatable {
        /// SHA-256 of the parts' SHA-256.
        case composite(String)
        /// SHA-256 of the whole object.
        case whole(String)
        /// CRC-64/NVME of the whole object, combined from those of its pieces.
        case combined(String)
        case none
    }

    let eTag: String
    let size: Int
    let pieceSize: Int
    let check: Check

    init(_ head: S3.HeadObject.Output, pieceSize: Int, parts: Int? = nil) {
        eTag = head.eTag
        size = head.contentLength
        self.pieceSize = max(pieceSize, 1)
        if let checksum = head.checksumCRC64NVME {
            check = .combined(checksum)
        } else if let checksum = head.checksumSHA256, head.checksumType != "COMPOSITE" {
            check = .whole(checksum)
        } else if let checksum = head.checksumSHA256, parts != nil {
            check = .composite(checksum)
        } else {
            check = .none
        }
    }

    var pieces: [Piece] { TransferPlan(pieceSize: pieceSize).pieces(of: size) }

    var isInParts: Bool {
        if case .composite = check { true } else { false }
    }

    var checksum: String? {
        switch check {
        case .composite(let text), .whole(let text), .combined(let text): text
        case .none: nil
        }
    }

    /// Identifies the object and its pieces; pieces of an earlier run are reused only if this is unchanged.
    var identity: String { "\(eTag) \(size) \(pieceSize) \(checksum ?? "-")" }

    func digest(of bytes: [UInt8]) -> PieceDigest {
        if case .combined = check { return .crc(CRC64NVME(of: bytes), length: bytes.count) }
        return .sha(SHA256Checksum(of: bytes))
    }

    /// The digest of a fetched piece. If S3 sent its checksum, the bytes have already been verified against it.
    func digest(of answer: S3.GetObject.Output) -> PieceDigest {
        if isInParts, let stored = answer.checksumSHA256.flatMap({ SHA256Checksum(base64: $0) }) { return .sha(stored) }
        return digest(of: answer.body)
    }

    func verify(_ digests: [PieceDigest], in file: TransferFile, _ name: String) throws {
        let found: String
        switch check {
        case .none: return
        case .composite: found = SHA256Checksum.composite(of: digests.compactMap(\.sha))
        case .combined:
            found =
                digests.reduce(CRC64NVME()) { crc, next in
                    guard case .crc(let value, let length) = next else { return crc }
                    return crc.followed(by: value, ofLength: length)
                }.base64
        case .whole:
            var hash = SHA256()
            for piece in pieces { hash.update(data: try file.read(piece)) }
            found = base64Text(hash.finalize())
        }
        guard found == checksum else {
            throw IntegrityError(object: name, message: "checksum mismatch: got \(found), S3 has \(checksum ?? "none")")
        }
    }
}

/// The checksum of one piece.
enum PieceDigest: Sendable, Equatable {
    case sha(SHA256Checksum)
    case crc(CRC64NVME, length: Int)

    var sha: SHA256Checksum? {
        if case .sha(let checksum) = self { checksum } else { nil }
    }

    var text: String {
        switch self {
        case .sha(let checksum): checksum.base64
        case .crc(let crc, _): crc.base64
        }
    }
}
