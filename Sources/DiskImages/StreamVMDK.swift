/// The layout of a streamOptimized VMDK: everything around the compressed grains.
///
/// Source: VMware, Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents".
struct StreamVMDK: Sendable, Equatable {
    static let sectorBytes = 512
    static let grainBytes = 64 << 10
    /// Entries of one grain table, which therefore describes 32 MiB of the disk.
    static let entriesPerTable = 512
    static let tableBytes = entriesPerTable * grainBytes
    /// The header, the descriptor and free space, up to the first grain.
    static let headBytes = 128 * sectorBytes

    private static let descriptorSectors = 20

    /// Name of the finished file. The descriptor names its own file as the extent; strict readers, such as libvmdk, look
    /// for it under this name.
    var fileName: String
    /// Size of the disk in sectors.
    var sectors: Int

    /// - Parameter bytes: size of the disk, rounded up to whole sectors.
    init(fileName: String, bytes: Int64) {
        self.fileName = fileName
        sectors = (Int(bytes) + Self.sectorBytes - 1) / Self.sectorBytes
    }

    var tableCount: Int { (sectors * Self.sectorBytes + Self.tableBytes - 1) / Self.tableBytes }

    /// - Parameter checksum: a checksum of the content. It identifies the content, so the same disk gives the same file.
    func head(checksum: UInt32) -> [UInt8] {
        // A directory at this place means: see the footer.
        var bytes = header(directorySector: .max)
        bytes += Array(descriptor(checksum: checksum).utf8)
        precondition(bytes.count <= (1 + Self.descriptorSectors) * Self.sectorBytes, "the descriptor is too long")
        return bytes + [UInt8](repeating: 0, count: Self.headBytes - bytes.count)
    }

    /// A grain table with its marker.
    func table(_ entries: [UInt32]) -> [UInt8] { metadata(.grainTable, entries) }

    /// The grain directory, the footer and the end of the stream.
    /// - Parameter sector: where they are written.
    func tail(directory: [UInt32], atSector sector: Int) -> [UInt8] {
        metadata(.grainDirectory, directory) + marker(.footer, sectors: 1)
            + header(directorySector: UInt64(sector + 1)) + marker(.endOfStream, sectors: 0)
    }

    private enum Marker: UInt32 {
        case endOfStream = 0
        case grainTable = 1
        case grainDirectory = 2
        case footer = 3
    }

    private func marker(_ kind: Marker, sectors: Int) -> [UInt8] {
        padded(littleEndian(UInt64(sectors)) + littleEndian(UInt32(0)) + littleEndian(kind.rawValue))
    }

    private func metadata(_ kind: Marker, _ entries: [UInt32]) -> [UInt8] {
        let bytes = padded(entries.flatMap { littleEndian($0) })
        return marker(kind, sectors: bytes.count / Self.sectorBytes) + bytes
    }

    /// The sparse extent header. Version 3 is what VMware's tools and QEMU write for this variant.
    private func header(directorySector: UInt64) -> [UInt8] {
        let (hasNewLineTest, hasCompressedGrains, hasMarkers): (UInt32, UInt32, UInt32) = (1, 1 << 16, 1 << 17)
        var bytes = Array("KDMV".utf8)
        bytes += littleEndian(UInt32(3))
        bytes += littleEndian(hasNewLineTest | hasCompressedGrains | hasMarkers)
        bytes += littleEndian(UInt64(sectors))
        bytes += littleEndian(UInt64(Self.grainBytes / Self.sectorBytes))
        // Position and length of the descriptor.
        bytes += littleEndian(UInt64(1)) + littleEndian(UInt64(Self.descriptorSectors))
        bytes += littleEndian(UInt32(Self.entriesPerTable))
        // There is no redundant grain directory.
        bytes += littleEndian(UInt64(0)) + littleEndian(directorySector)
        bytes += littleEndian(UInt64(Self.headBytes / Self.sectorBytes))
        // Cleanly closed; then characters that a transfer as text would change.
        bytes += [0] + Array("\n \r\n".utf8)
        // The compression algorithm: deflate.
        bytes += littleEndian(UInt16(1))
        return padded(bytes)
    }

    /// Hardware version 14 is that of ESXi 6.7, Workstation 14 and Fusion 10, the oldest versions still in use. The
    /// adapter is the one that all of them, and VirtualBox, offer for a disk.
    private func descriptor(checksum: UInt32) -> String {
        // The two largest numbers stand for "new" and "no parent".
        let contentID = "00000000\(String(min(checksum, .max - 2), radix: 16))".suffix(8)
        // The BIOS geometry of a large disk; cylinders end where VMware ends them.
        let cylinders = min(max(sectors / (255 * 63), 1), 65535)
        return """
            # Disk DescriptorFile
            version=1
            CID=\(contentID)
            parentCID=ffffffff
            createType="streamOptimized"

            # Extent description
            RW \(sectors) SPARSE "\(fileName)"

            # The Disk Data Base
            #DDB

            ddb.virtualHWVersion = "14"
            ddb.geometry.cylinders = "\(cylinders)"
            ddb.geometry.heads = "255"
            ddb.geometry.sectors = "63"
            ddb.adapterType = "lsilogic"

            """
    }
}

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

/// Fills the last sector with zeros.
private func padded(_ bytes: [UInt8]) -> [UInt8] {
    let excess = bytes.count % StreamVMDK.sectorBytes
    return excess == 0 ? bytes : bytes + [UInt8](repeating: 0, count: StreamVMDK.sectorBytes - excess)
}
