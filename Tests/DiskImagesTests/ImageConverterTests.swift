import FoundationEssentials
import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

/// Real conversions with qemu-img of a disk with a partition table and random data.
@Suite(.serialized, .enabled(if: canConvert))
struct ImageConverterTests {
    let appliance = Appliance(name: "sandbox", version: "6.1.0")

    /// A 64 MiB disk with data at its start, middle and end.
    private func rawDisk(in directory: String, noiseMiB: Int = 4) throws -> RawDisk {
        let path = "\(directory)/disk,a.raw"
        try createSparse(path, bytes: 64 << 20)
        var state: UInt64 = 7
        let noise = (0..<(noiseMiB << 17)).map { _ -> UInt64 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
        let bytes = noise.withUnsafeBytes { Array($0) }
        try writeBytes([0x55, 0xaa], to: path, at: 510)
        try writeBytes(bytes, to: path, at: 1 << 20)
        try writeBytes(Array(bytes.prefix(1 << 20)), to: path, at: 40 << 20)
        try writeBytes(Array("the end".utf8), to: path, at: (64 << 20) - 7)
        return RawDisk(path: path, virtualBytes: try FileSize(of: path).length)
    }

    @Test func allFormatsAtOnce() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            let out = "\(directory)/out,b"
            try makeDirectory(out)
            let log = ProgressLog()
            let images = try await ImageConverter(runner: runner).convert(
                raw, to: ImageFormat.allCases, in: out, stem: "sand,box", appliance: appliance, progress: log.sink)
            #expect(images.map(\.file.format) == ImageFormat.allCases)
            #expect(try names(in: out) == ImageFormat.allCases.map { ".\($0.fileName("sand,box")).partial" }.sorted())
            for image in images {
                #expect(image.file.name == image.file.format.fileName("sand,box"))
                #expect(image.file.bytes == (try FileSize(of: image.temporaryPath).length))
                #expect(image.file.sha256 == (try sha256(of: image.temporaryPath)))
                let info = try await ImageInspector(runner: runner).inspect(image.temporaryPath)
                #expect(info.format == image.file.format)
                #expect(info.virtualBytes == 64 << 20)
                #expect(info.subformat == Conversion.subformat(of: image.file.format))
            }
            let last = try #require(log.all.last)
            #expect(last.activity == ImageFormat.allCases.map { "\($0.rawValue) done" }.joined(separator: " · "))
            #expect(last.completed == last.total)
            #expect(log.all.contains { $0.activity.contains("convert") })
            #expect(try FileSize(of: images[2].temporaryPath).allocated < 16 << 20, "raw stays sparse")
        }
    }

    @Test(arguments: [ImageFormat.vhdFixed, .vhdx, .gcp, .vmdkSparse])
    func aDiskIsReadBack(format: ImageFormat) async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            let image = try await ImageConverter(runner: runner).convert(
                raw, to: [format], in: directory, stem: "s", appliance: appliance)[0]
            let copy = try await ImageReader(runner: runner).rawDisk(
                of: image.temporaryPath, format, at: "\(directory)/copy.raw")
            #expect(copy.virtualBytes == raw.virtualBytes)
            #expect(try sha256(of: copy.path) == sha256(of: raw.path))
        }
    }

    /// libvhdi knows nothing of QEMU.
    @Test(arguments: [(ImageFormat.vhd, "Dynamic"), (.vhdFixed, "Fixed"), (.vhdx, "Dynamic")])
    func anotherLibraryReadsIt(format: ImageFormat, type: String) async throws {
        guard have("vhdiinfo") else { return }
        try await withTemporaryDirectory { directory in
            let image = try await ImageConverter(runner: runner).convert(
                try rawDisk(in: directory), to: [format], in: directory, stem: "s", appliance: appliance)[0]
            let info = try await runner.run(Command("vhdiinfo", [image.temporaryPath]))
            #expect(info.contains(type) && info.contains("(67108864 bytes)"), "\(info)")
            // Azure takes whole MiB and the footer.
            #expect(format != .vhdFixed || image.file.bytes == (64 << 20) + 512)
        }
    }

    @Test func aSparseVMDKIsWrittenToAndContainsItsOwnName() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await ImageConverter(runner: runner).convert(
                try rawDisk(in: directory), to: [.vmdkSparse], in: directory, stem: "s", appliance: appliance)[0]
            let head = String(decoding: try readBytes(image.temporaryPath, count: 2048), as: UTF8.self)
            #expect(head.contains("SPARSE \"s-sparse.vmdk\"\n") && head.contains("\"lsilogic\""))
            let node = try QemuBlockNode(path: image.temporaryPath, format: .vmdkSparse)
            try await runner.run(Command("qemu-io", ["--image-opts", "-c", "write -P 7 0 64k", node.options]))
            guard have("vmdkinfo") else { return }
            let path = "\(directory)/\(image.file.name)"
            try renameFile(image.temporaryPath, to: path)
            #expect(try await runner.run(Command("vmdkinfo", [path])).contains("Monolithic sparse"))
        }
    }

    @Test func anArchiveForGoogleCloudDependsOnTheDiskAlone() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            let copy = RawDisk(path: "\(directory)/copy without holes", virtualBytes: raw.virtualBytes)
            try await runner.run(Command("cp", ["--sparse=never", "--", raw.path, copy.path]))
            let converter = ImageConverter(runner: runner)
            let archives = [
                try await converter.convert(raw, to: [.gcp], in: directory, stem: "a", appliance: appliance)[0],
                try await converter.convert(copy, to: [.gcp], in: directory, stem: "b", appliance: appliance)[0],
            ]
            #expect(archives[0].file.sha256 == archives[1].file.sha256)
            let path = archives[0].temporaryPath
            // RFC 1952, 2.3: no flags, so no file name, and no time.
            #expect(try readBytes(path, count: 8) == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
            let listing = try await runner.run(DiskArchive(path: path).listing)
            #expect(listing.hasPrefix("-rw-r--r-- 0/0 ") && DiskArchive.size(in: listing) == 64 << 20)
            let header = Command("sh", ["-c", "gzip --decompress --stdout \"$0\" | head --bytes 512", path])
            #expect(try await runner.run(header).contains("ustar  "), "the magic of oldgnu")
        }
    }

    @Test func aConversionThatOutlivedItsRunIsNotInTheWay() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            let left = "\(directory)/.sandbox.vmdk.partial"
            try writeAtomically("half of an image", to: left)
            // The lock that QEMU takes on a file that it writes, with F_OFD_SETLK, which Swift does not import.
            let descriptor = open(left, O_RDWR)
            defer { close(descriptor) }
            var lock = flock(l_type: Int16(F_RDLCK), l_whence: Int16(SEEK_SET), l_start: 100, l_len: 200, l_pid: 0)
            #expect(fcntl(descriptor, 37, &lock) == 0)
            let images = try await ImageConverter(runner: runner).convert(
                raw, to: [.vmdk], in: directory, stem: "sandbox", appliance: appliance)
            #expect(images.map(\.temporaryPath) == [left])
        }
    }

    @Test func anOVAIsATarWithDescriptorManifestAndDisk() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            let images = try await ImageConverter(runner: runner).convert(
                raw, to: [.ova], in: directory, stem: "s", appliance: appliance)
            #expect(images.map(\.file.format) == [.ova])
            #expect(try names(in: directory) == [".s.ova.partial", "disk,a.raw"], "the disk alone was not asked for")
            let list = try await runner.run(Command("tar", ["-tf", images[0].temporaryPath]))
            #expect(list == "s.ovf\ns.mf\ns.vmdk\n")
            try await runner.run(Command("tar", ["-xf", images[0].temporaryPath], workingDirectory: directory))
            #expect(
                try readText("\(directory)/s.mf") == """
                    SHA256(s.ovf)= \(try sha256(of: "\(directory)/s.ovf"))
                    SHA256(s.vmdk)= \(try sha256(of: "\(directory)/s.vmdk"))

                    """)
            let descriptor = try readText("\(directory)/s.ovf")
            #expect(descriptor.contains("ovf:size=\"\(try FileSize(of: "\(directory)/s.vmdk").length)\""))
        }
    }

    @Test func anImageThatDiffersIsFound() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory)
            // Simulates a wrong conversion by changing the raw disk after it.
            let cheating = CheatingRunner(file: raw.path)
            let failure = await failure(of: {
                _ = try await ImageConverter(runner: cheating).convert(
                    raw, to: [.vhd, .vmdk], in: directory, stem: "s", appliance: appliance)
            })
            #expect(failure?.message.hasSuffix("file differs from the raw disk") == true)
            #expect(failure?.advice?.contains("qemu-img compare") == true)
            #expect(try names(in: directory) == ["disk,a.raw"])
        }
    }

    @Test func cancellingLeavesNothing() async throws {
        try await withTemporaryDirectory { directory in
            let raw = try rawDisk(in: directory, noiseMiB: 32)
            let task = Task {
                try await ImageConverter(runner: runner).convert(
                    raw, to: ImageFormat.allCases, in: directory, stem: "s", appliance: appliance)
            }
            while !fileExists("\(directory)/.s.vmdk.partial") { try await Task.sleep(for: .milliseconds(2)) }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(try names(in: directory) == ["disk,a.raw"])
        }
    }

    /// On a file system of a few MB, mounted for one command only.
    /// `refuse` fails before anything is written, `write` when mke2fs runs out of space.
    @Test(arguments: ["convert", "convert sparsely", "write", "refuse"])
    func aFullDiskIsToldAndNothingIsLeft(what: String) async throws {
        guard getuid() == 0, have("unshare", "mount") else { return print("skipped: mounting needs root") }
        try await withTemporaryDirectory { directory in
            let small = "\(directory)/small"
            try makeDirectory(small)
            let mount = try await runner.start(
                Command("unshare", ["--mount", "sh", "-c", "mount -t tmpfs -o size=6m none '\(small)' && sleep 60"]),
                log: "\(directory)/log")
            defer { mount.signal(SIGKILL) }
            let target = "/proc/\(mount.pid)/root\(small)"
            for _ in 0..<100 where (freeBytes(at: "\(target)/") ?? .max) > 6 << 20 {
                try await Task.sleep(for: .milliseconds(20))
            }
            guard let free = freeBytes(at: "\(target)/"), free <= 6 << 20 else {
                return print("skipped: no tmpfs here: \(tail(of: "\(directory)/log"))")
            }
            let failure: Failure?
            if what.hasPrefix("convert") {
                let raw = try rawDisk(in: directory, noiseMiB: 20)
                failure = await DiskImagesTests.failure(of: {
                    _ = try await ImageConverter(runner: runner).convert(
                        raw, to: what == "convert" ? [.vhd, .vmdk] : [.vmdkSparse], in: target, stem: "s",
                        appliance: appliance)
                })
            } else {
                guard canWriteDisks else { return }
                let root = try SmallRoot.make(in: directory)
                let megabytes = what == "write" ? 2 : 20
                try writeAtomically(
                    String(repeating: "0123456789abcdef", count: megabytes << 16), to: "\(root)/more")
                failure = await DiskImagesTests.failure(of: {
                    _ = try await DiskWriter(runner: runner).write(root, to: "\(target)/d.raw", sizeMiB: 256)
                })
            }
            #expect(failure?.code == .temporary)
            #expect(failure?.message.hasPrefix("no space left in \(target)") == true, "\(failure?.message ?? "")")
            #expect(try names(in: target) == [])
        }
    }
}

/// Changes a file after each conversion.
private struct CheatingRunner: CommandRunner {
    let file: String

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let output = try await runner.execute(command, onLine: onLine)
        if command.arguments.first == "convert" { try writeBytes([1, 2, 3], to: file, at: 50 << 20) }
        return output
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await runner.start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        try await runner.converse(command, body)
    }
}
