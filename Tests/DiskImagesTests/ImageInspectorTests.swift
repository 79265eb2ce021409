import FoundationEssentials
import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

@Suite(.serialized, .enabled(if: canConvert))
struct ImageInspectorTests {
    let inspector = ImageInspector(runner: runner)

    @Test func whatIsNoImageIsRefused() async throws {
        try await withTemporaryDirectory { directory in
            try write("hello\n", "\(directory)/text.vmdk")
            try write("", "\(directory)/empty.raw")
            try write("# Disk DescriptorFile\nversion=1\n", "\(directory)/descriptor.vmdk")
            for (path, message) in [
                ("\(directory)/none.vhd", "no such image"), (directory, "not a regular file"),
                ("\(directory)/text.vmdk", "not a supported disk image"),
                ("\(directory)/empty.raw", "not a supported disk image"),
                ("\(directory)/descriptor.vmdk", "not a supported disk image"),
            ] {
                let failure = await failure(of: { _ = try await inspector.inspect(path) })
                #expect(failure?.code == .badData)
                #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "none") of \(path)")
            }
        }
    }

    @Test(arguments: ImageFormat.allCases)
    func cutOffImagesAreRefused(format: ImageFormat) async throws {
        try await withTemporaryDirectory { directory in
            let raw = "\(directory)/a.raw"
            try createSparse(raw, bytes: 32 << 20)
            try await runner.run(Command("sfdisk", ["-q", raw], input: .text("label: gpt\n")))
            try writeBytes((0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }, to: raw, at: 2 << 20)
            let disk = RawDisk(path: raw, virtualBytes: 32 << 20)
            let image = try await ImageConverter(runner: runner).convert(
                disk, to: [format], in: directory, stem: "a", appliance: Appliance(name: "a", version: "1"))[0]
            // The archive for Google Cloud is small.
            let end = min(65536, image.file.bytes / 4)
            for keep in [image.file.bytes - end, image.file.bytes / 2, 3000] {
                let cut = "\(directory)/cut"
                try await runner.run(Command("cp", ["--sparse=always", image.temporaryPath, cut]))
                #expect(truncate(cut, off_t(keep)) == 0)
                let failure = await failure(of: { _ = try await inspector.inspect(cut) })
                #expect(failure?.code == .badData, "\(format) cut to \(keep) bytes is taken")
            }
            let other = ImageFormat.allCases.first { $0 != format }
            let wrong = await failure(of: { _ = try await inspector.inspect(image.temporaryPath, as: other) })
            #expect(wrong?.message.contains("expected \(other!.rawValue)") == true)
        }
    }
}
