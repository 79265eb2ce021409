import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The part of the disk that one `qemu-img compare` reads; several run in parallel, because each uses one processor.
package struct CompareRange: Sendable, Equatable {
    package var offset: Int64
    package var length: Int64

    package static func whole(_ bytes: Int64) -> CompareRange { CompareRange(offset: 0, length: bytes) }

    /// Compares the contents seen by a machine; a window of the raw driver selects the same part of both images.
    package func command(raw: String, image: QemuBlockNode) -> Command {
        let file = QemuBlockNode(driver: "raw", path: raw)
        return Command(
            "qemu-img",
            ["compare", "-q", "--image-opts"]
                + [file, image].map { $0.window(offset: offset, length: length).options },
            environment: ["LC_ALL": "C"])
    }

    /// Splits a raw disk into parts with about the same amount of data, if the file system reports holes.
    package static func split(_ disk: RawDisk, into count: Int) -> [CompareRange] {
        split(extents: (try? dataExtents(of: disk.path)) ?? [0..<disk.virtualBytes], of: disk.virtualBytes, into: count)
    }

    /// - Parameter extents: the ranges with data, ascending.
    static func split(extents: [Range<Int64>], of length: Int64, into count: Int) -> [CompareRange] {
        let total = extents.reduce(0) { $0 + Int64($1.count) }
        guard count > 1, total > 0 else { return [.whole(length)] }
        var cuts: [Int64] = [0]
        var passed: Int64 = 0
        for extent in extents {
            while cuts.count < count {
                let wanted = total * Int64(cuts.count) / Int64(count) - passed
                guard wanted < Int64(extent.count) else { break }
                // VMDK grains and qcow2 clusters are 64 KiB; 1 MiB is a multiple of both.
                cuts.append((extent.lowerBound + wanted) / (1 << 20) * (1 << 20))
            }
            passed += Int64(extent.count)
        }
        cuts.append(length)
        return zip(cuts, cuts.dropFirst()).filter { $0 < $1 }.map { CompareRange(offset: $0, length: $1 - $0) }
    }

    /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2), macros that Swift does not import.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// The ranges of a file that are not holes, ascending.
    static func dataExtents(of path: String) throws -> [Range<Int64>] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("read", path) }
        defer { close(file) }
        var extents: [Range<Int64>] = []
        var position: off_t = 0
        while true {
            let start = lseek(file, position, seekData)
            guard start >= 0 else {
                guard errno == ENXIO else { throw FileError("read", path) }
                return extents
            }
            position = lseek(file, start, seekHole)
            guard position >= 0 else { throw FileError("read", path) }
            extents.append(Int64(start)..<Int64(position))
        }
    }
}
