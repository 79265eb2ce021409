import FoundationEssentials
import Sandbox

/// The table of contents of an OVA: a tar archive in ustar format, as the OVF specification (DSP0243 2.1.1, 5.3)
/// asks, whose descriptor comes first.
package struct ApplianceArchive: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var name: String
        /// Where the content begins in the archive.
        package var offset: Int64
        package var length: Int64
    }

    package var members: [Member]
    private let path: String

    /// - Throws: `Failure` with code `.badData` where it is no archive or ends too early.
    package init(path: String) throws {
        self.path = path
        members = []
        let end = try FileSize(of: path).length
        var position: Int64 = 0
        while position + 512 <= end {
            let header = try readBytes(path, at: position, count: 512)
            guard header.contains(where: { $0 != 0 }) else { break }
            guard let member = Self.member(header, at: position) else {
                throw Failure(.badData, "\(path) is damaged: there is no tar header at byte \(position)")
            }
            guard member.offset + member.length <= end else {
                throw Failure(
                    .badData,
                    "\(path) is cut off: '\(member.name)' should end at byte \(member.offset + member.length), "
                        + "the file has \(end) bytes")
            }
            members.append(member)
            position = member.offset + (member.length + 511) / 512 * 512
        }
    }

    /// The one disk of the machine.
    package var disk: Member {
        get throws {
            guard let disk = members.first(where: { $0.name.lowercased().hasSuffix(".vmdk") }) else {
                throw Failure(
                    .badData, "\(path) has no VMDK in it", details: members.map(\.name),
                    advice: "give an OVA file that `dss create-vm` has written")
            }
            return disk
        }
    }

    /// POSIX.1-1988 `ustar`: name at 0, size in octal at 124, magic at 257, prefix of the name at 345.
    static func member(_ header: [UInt8], at position: Int64) -> Member? {
        guard header.count == 512, Array(header[257..<262]) == Array("ustar".utf8) else { return nil }
        let stored = Int(text(header[148..<156]).filter(\.isNumber), radix: 8)
        let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        guard stored == sum, let length = Int64(text(header[124..<136]).filter(\.isNumber), radix: 8) else {
            return nil
        }
        let prefix = text(header[345..<500])
        let name = text(header[0..<100])
        return Member(name: prefix.isEmpty ? name : "\(prefix)/\(name)", offset: position + 512, length: length)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
