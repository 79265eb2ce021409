import AWSServices
import Glibc
import Sandbox
import Workbench

/// Whether the files of an export fit where they are to lie.
struct EBSDirectRoom: Sendable {
    let folder: String
    /// The raw file; what an earlier run has of it is room that is not needed any more.
    let file: String

    /// The most that a format can hold, in GiB: VHD by its specification, VMDK as `qemu-img` writes it.
    /// Sources: Virtual Hard Disk Image Format 1.0; QEMU's block/vmdk.c, `VMDK_EXTENT_MAX_SECTORS`.
    private static let limits: [ImageFormat: Int] = [.vhd: 2040, .vmdk: 2047, .ova: 2047]

    /// - Throws: `Failure` where a format cannot hold a disk of that size.
    static func checkLimits(of formats: [ImageFormat], volumeGiB: Int) throws {
        for format in formats {
            guard let limit = limits[format], volumeGiB > limit else { continue }
            throw Failure(
                .badData, "a \(format.rawValue) file holds at most \(limit) GiB, the disk has \(volumeGiB) GiB",
                advice: "leave out \(format.rawValue), or build on a smaller volume: --set aws.volume_size=\(limit)GiB")
        }
    }

    /// Of the bytes on the disk, so much in each format: VHD stores blocks of 2 MiB as they are, the others compress.
    private static func share(of format: ImageFormat) -> Double {
        switch format {
        case .raw: 0
        case .vhd: 1.1
        case .vmdk, .qcow2: 0.7
        // The archive, and the VMDK that it is packed from.
        case .ova: 1.4
        }
    }

    static func needed(_ formats: [ImageFormat], dataBytes: Int) -> Int64 {
        let shares = formats.reduce(1) { $0 + share(of: $1) }
        let doubled = formats.contains(.ova) && formats.contains(.vmdk) ? share(of: .vmdk) : 0
        return Int64((Double(dataBytes) * (shares - doubled)).rounded())
    }

    /// - Parameter dataBytes: that were ever written to the disk; `nil` where nobody knows, so that nothing is checked.
    func check(_ formats: [ImageFormat], dataBytes: Int?) throws {
        guard let dataBytes, let free = freeBytes(on: folder) else { return }
        let needed = Self.needed(formats, dataBytes: dataBytes) - allocated(file) - allocated("\(file).part")
        guard free < needed else { return }
        throw Self.failure(folder, "about \(needed >> 20) MiB are needed and \(free >> 20) MiB are free")
    }

    private func allocated(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
    }

    static func failure(_ folder: String, _ why: String) -> Failure {
        Failure(
            .temporary, "the disk is too full for the export in \(folder): \(why)",
            advice: "free some space there, or name a folder on another disk with --work-dir")
    }
}

/// Says of a full disk where it is and what helps.
func explainingFullDisk<Result>(in folder: String, _ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let error as TransferFileError where [ENOSPC, EDQUOT].contains(error.code) {
        throw EBSDirectRoom.failure(folder, error.description)
    } catch let error as FileError where error.isDiskFull {
        throw EBSDirectRoom.failure(folder, error.description)
    }
}
