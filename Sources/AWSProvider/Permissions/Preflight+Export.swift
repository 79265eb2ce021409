import AWSCore
import AWSServices
import Sandbox

/// What AWS exports, and what not.
/// Source: <https://docs.aws.amazon.com/vm-import/latest/userguide/limits-image-export.html>
extension Preflight {
    @Sendable func checkExport() async throws -> [PreflightFinding] {
        guard method == .vmExport, !formats.isEmpty else { return [] }
        async let isEncrypted = encryptsByDefault()
        return unknownFormats() + unexportable() + oversize() + ambiguousBoot() + (try await isEncrypted)
    }

    private static let otherMethod = "export it with --export-method ebs-direct"

    private func unknownFormats() -> [PreflightFinding] {
        let unknown = formats.filter { !VMExport.formats.contains($0) }
        guard !unknown.isEmpty else { return [] }
        let names = unknown.map(\.rawValue).joined(separator: " and ")
        return [.problem("AWS exports vhd, vmdk and raw alone, not \(names)", advice: Self.otherMethod)]
    }

    private func unexportable() -> [PreflightFinding] {
        var found: [PreflightFinding] = []
        if definition.base.architecture != .amd64 {
            found.append(
                .problem(
                    "AWS exports images for amd64 alone, and base.architecture is "
                        + definition.base.architecture.rawValue, advice: Self.otherMethod))
        }
        if let source, source.isSold {
            found.append(
                .problem(
                    "AWS exports no image that is made of one with product codes, as \(source.id) has",
                    advice: "start from another image: aws.source_image in the definition"))
        }
        if let source, source.isEncrypted {
            found.append(
                .problem(
                    "AWS exports no encrypted image, and the disk of \(source.id) is encrypted",
                    advice: Self.otherMethod))
        }
        return found
    }

    private func oversize() -> [PreflightFinding] {
        guard volumeGiB > 1024 else { return [] }
        return [
            .problem(
                "AWS exports disks of up to 1 TiB, and aws.volume_size is \(volumeGiB) GiB",
                advice: "make it smaller, or \(Self.otherMethod)")
        ]
    }

    /// AWS documents that it does not export them; whether that holds for every such image it does not say.
    private func ambiguousBoot() -> [PreflightFinding] {
        guard let source, source.bootMode == "uefi-preferred" else { return [] }
        return [
            .warning(
                "\(source.id) starts by BIOS and by UEFI, and AWS says that it does not export images whose GRUB is "
                    + "set up for both", advice: "should the export fail, run again with --export-method ebs-direct")
        ]
    }

    private func encryptsByDefault() async throws -> [PreflightFinding] {
        guard source != nil, try await client.call(EC2.GetEbsEncryptionByDefault()).ebsEncryptionByDefault == true
        else { return [] }
        return [
            .problem(
                "AWS exports no encrypted image, and the account encrypts all new disks in \(region)",
                advice: Self.otherMethod)
        ]
    }

    /// By default 5 at the same time in a region; AWS raises it up to 20.
    @Sendable func checkRunningExports() async throws -> [PreflightFinding] {
        guard method == .vmExport else { return [] }
        var active = 0
        for try await task in client.items(of: EC2.DescribeExportImageTasks()) where task.status == "active" {
            active += 1
        }
        let text = "\(active) exports are running in \(region)"
        if active >= 20 {
            return [
                .problem(
                    "\(text), and AWS allows no more than 20", advice: "wait until some have ended", code: .temporary)
            ]
        }
        return active < 5 ? [] : [.warning("\(text), and AWS allows 5 unless it has raised that for the account")]
    }
}
