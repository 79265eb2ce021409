import Sandbox

/// What all renderings of a report say.
extension BuildReport {
    /// No stage had to run: the images of an earlier build are what this one would have given.
    var isUpToDate: Bool { stages.isEmpty }

    /// The images carry the default password of an earlier run, whatever this one was given.
    var hasOlderPassword: Bool {
        isUpToDate || stages.contains { $0.stage == .seal && $0.outcome == .cached }
    }

    /// Stages run one after another, so their sum is the build's time.
    var seconds: Double { stages.reduce(0) { $0 + $1.seconds } }

    var headline: String {
        if isUpToDate { return "nothing to do: all images of sandbox \(assetID) are up to date" }
        return "sandbox \(assetID) is built (\(provider)) in \(Units.time(seconds))"
    }

    /// What to type next: the proof that what was made boots.
    var nextCommand: String? {
        if let machineImage {
            return "dss verify-ami --asset-id \(Shell.quoted(assetID.rawValue)) --region \(machineImage.region)"
        }
        return artifacts.first.map { "dss verify-vm \(Shell.quoted($0.location))" }
    }

    /// The directory that all artifacts lie in, so that it need not stand before each of them.
    var directory: String? {
        let directories = Set(artifacts.map { $0.location.directory })
        return directories.count == 1 ? directories.first.flatMap { $0.isEmpty ? nil : $0 } : nil
    }

    /// The images; for a page that stays, with what each format is for and its whole digest, which no terminal has
    /// room for.
    func artifactTable(forRelease: Bool) -> Table {
        let start = directory?.count ?? 0
        return Table(
            [
                Table.Column("format"), Table.Column("size", .right), Table.Column("bytes", .right),
                Table.Column("file"),
            ] + (forRelease ? [Table.Column("for"), Table.Column("sha256")] : []),
            rows: artifacts.map { artifact in
                let cells = [
                    artifact.format.rawValue, Units.size(artifact.bytes), Units.exact(artifact.bytes),
                    String(artifact.location.dropFirst(start)),
                ]
                let more = forRelease ? [artifact.format.purpose, artifact.digest] : []
                return (cells + more).map { Table.Cell($0) }
            },
            empty: "no images")
    }
}

extension String {
    /// Everything up to and including the last slash.
    fileprivate var directory: String {
        lastIndex(of: "/").map { String(self[...$0]) } ?? ""
    }
}

extension Artifact {
    /// The sum that is known of it, with its kind where that is not SHA-256.
    fileprivate var digest: String {
        sha256 ?? crc64.map { "CRC-64/NVME \($0)" } ?? ""
    }
}

enum Shell {
    /// The word as a POSIX shell reads it back; plain where that is safe.
    static func quoted(_ word: String) -> String {
        let safe = word.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "/._-+:=@,%".unicodeScalars.contains($0))
        }
        guard !safe || word.isEmpty else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}
