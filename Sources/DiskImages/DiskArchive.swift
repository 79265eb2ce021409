import FoundationEssentials
import Sandbox
import Workbench

/// The archive that Google Cloud imports: one raw disk with a fixed name in a compressed tar file of the format
/// `oldgnu` (https://cloud.google.com/compute/docs/import/import-existing-image).
package struct DiskArchive: Sendable, Equatable {
    package var path: String

    static let diskName = "disk.raw"

    package init(path: String) {
        self.path = path
    }

    /// What a person does to use the disk elsewhere.
    package var advice: String {
        "unpack its disk, and use \(Self.diskName): tar --extract --gzip --force-local --file \(shellQuoted(path))"
    }

    /// Packs a disk under the name that Google Cloud demands. Owner and time are fixed, so that the archive reveals
    /// nothing about the builder. Holes are packed as zeros, and the output of pigz is the same with two or more threads,
    /// so that the same disk gives the same archive on any host.
    func packing(_ disk: String, processors: Int) -> Command {
        let compressor = "--use-compress-program=pigz --no-name -6 --processes \(max(2, processors))"
        return tar(
            [
                "--create", compressor, "--format=oldgnu", "--dereference", "--owner=0", "--group=0",
                "--numeric-owner", "--mode=0644", "--mtime=@0", "--transform=s,.*,\(Self.diskName),",
                "--checkpoint=\(Self.checkpoint)", "--checkpoint-action=echo=%u",
                "--directory", parentDirectory(disk), "--", baseName(disk),
            ])
    }

    /// Records of 10 KiB, tar's default, from one line of progress to the next.
    private static let checkpoint = 8192

    /// Parses the progress of `packing`, `tar: 8192` after that many records.
    static func fraction(in line: String, of bytes: Int64) -> Double? {
        guard line.hasPrefix("tar: "), let records = Int64(line.dropFirst(5)) else { return nil }
        return min(Double(records * 10240) / Double(bytes), 1)
    }

    /// Lists the content, which reads the whole file and so finds a file that is damaged or truncated.
    var listing: Command { tar(["--list", "--gzip", "--verbose", "--numeric-owner"]) }

    /// Compares the disk with a raw one, without unpacking it to a file.
    func comparison(with disk: String) -> Command { reading("cmp -- - \(shellQuoted(disk))") }

    /// Unpacks the disk, with a hole for each range of zeros.
    func unpacking(to disk: String) -> Command { reading("cp --sparse=always -- /dev/stdin \(shellQuoted(disk))") }

    func unpack(to disk: String, _ runner: any CommandRunner) async throws {
        do { try await runner.run(unpacking(to: disk)) } catch { throw explainingFullDisk(error, at: disk) }
    }

    private func reading(_ shellLine: String) -> Command {
        tar(["--extract", "--gzip", "--to-command=\(shellLine)", "--", Self.diskName])
    }

    /// A colon in the path would otherwise be the end of a host name.
    private func tar(_ words: [String]) -> Command {
        Command("tar", ["--force-local", "--file", path] + words, environment: ["LC_ALL": "C"])
    }

    /// The size of the disk; `nil` if the archive contains anything but the disk.
    ///
    /// A line of the list is `-rw-r--r-- 0/0 8589934592 1970-01-01 00:00 disk.raw`.
    static func size(in listing: String) -> Int64? {
        let words = listing.split(whereSeparator: \.isWhitespace)
        guard words.count == 6, words[0].hasPrefix("-"), words[5] == diskName else { return nil }
        return Int64(words[2])
    }
}
