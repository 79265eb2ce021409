import FoundationEssentials
import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

/// What `dss run` needs of a guest beyond what the checks of an image need.
struct RunTests {
    private func words(_ change: (inout GuestCommand) throws -> Void) throws -> String {
        var command = GuestCommand(
            name: GuestName(starter: "7.8", hardware: "qemu", guest: "run", assetID: "6.1.0"), hardware: .qemu,
            accelerator: .tcg, image: try QemuBlockNode(path: "/i.vmdk", format: .vmdk), memoryMiB: 4096, ports: [],
            directory: "/d")
        try change(&command)
        return command.command.shellLine
    }

    @Test func writesAreDiscardedUnlessADiskKeepsThem() throws {
        #expect(try words { _ in }.contains("snapshot=on,cache=unsafe,driver=vmdk,"))
        let kept = try words { $0.keepsWrites = true }
        #expect(kept.contains("-drive if=none,id=disk,cache=writeback,driver=vmdk,") && !kept.contains("snapshot"))
    }

    @Test(arguments: ["/images/a, b.vhd", "/images/x=y.ova"])
    func theDiskOfARunningGuestAndItsImageAreKnown(image: String) throws {
        let backing = image.hasSuffix(".ova") ? "backing.file.file.filename" : "backing.file.filename"
        var node = QemuBlockNode(driver: "qcow2", path: "/home/u/my, disk=1.qcow2")
        node.list.append(.init(key: backing, value: image))
        var command = GuestCommand(
            name: GuestName(starter: "7.8", hardware: "qemu", guest: "run", assetID: "6.1.0"), hardware: .qemu,
            accelerator: .tcg, image: node, memoryMiB: 4096, ports: [], directory: "/d")
        #expect(KeptDisk.Use(commandLine: command.command.arguments) == nil)
        command.keepsWrites = true
        let use = KeptDisk.Use(commandLine: command.command.arguments)
        #expect(use?.disk == "/home/u/my, disk=1.qcow2" && use?.image == image)
    }

    @Test func changesAreKeptInARegularFileOnly() async throws {
        try await withTemporaryDirectory { directory in
            let pipe = "\(directory)/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            for path in [pipe, directory, "/dev/null"] {
                let failure = await #expect(throws: Failure.self) {
                    try await KeptDisk(path, on: "/nonexistent", of: "1.0", runner: runner)
                }
                #expect(failure?.code == .badData && failure?.message == "\(path) is not a regular file")
            }
        }
    }

    @Test func processorsAndPowerButton() throws {
        let words = try words {
            $0.processors = 4
            $0.powerButton = PowerButton(in: "/d,e")
        }
        #expect(words.contains(" -smp 4 -m 4096 "))
        #expect(words.contains("-chardev pipe,id=qmp,path=/d,,e/monitor -mon chardev=qmp,mode=control "))
    }

    @Test func thePowerButtonIsPressedOnceAndOnlyIfSomebodyListens() async throws {
        try await withTemporaryDirectory { directory in
            let button = PowerButton(in: directory)
            button.press()
            try button.install()
            try button.install()
            button.press()
            // As QEMU opens it: a pipe with one open end would block.
            let file = open("\(directory)/monitor.in", O_RDWR | O_NONBLOCK | O_CLOEXEC)
            defer { close(file) }
            button.press()
            var buffer = [UInt8](repeating: 0, count: 200)
            let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            let heard = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
            #expect(heard == #"{"execute":"qmp_capabilities"}{"execute":"system_powerdown"}"#)
        }
    }

    @Test func preferredPortsAreTakenIfTheyAreFree() throws {
        let free = try freePorts(2)
        #expect(try freePorts(preferring: free) == free)
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(free[0]).bigEndian
        let isListening = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        try #require(isListening && listen(file, 1) == 0)
        let chosen = try freePorts(preferring: free)
        #expect(chosen[0] != free[0] && chosen[0] > 0 && chosen[1] == free[1], "the first is taken on all addresses")
        #expect(try freePorts(preferring: [0, 65_536]).allSatisfy { $0 > 0 })
    }

    @Test func emulationIsWarnedAboutWithTheWayOut() {
        #expect(Accelerator.kvm.warning() == nil)
        #expect(Accelerator.tcg.warning(device: "/nonexistent")?.hasPrefix("KVM is not available on this host") == true)
        #expect(Accelerator.tcg.warning(device: "/dev/null")?.hasPrefix("KVM does not work on this host") == true)
        for device in ["/nonexistent", "/dev/null"] {
            let lines = (Accelerator.tcg.warning(device: device) ?? "").split(separator: "\n")
            #expect(lines.allSatisfy { "warning: \($0)".count <= 80 }, "\(lines)")
        }
    }
}

/// The disk of `dss run --keep`, made by the real `qemu-img`.
@Suite(.enabled(if: canConvert))
struct KeptDiskTests {
    /// Writes an empty image that is different for each content.
    private func makeImage(_ path: String, _ format: ImageFormat, content: String = "one") async throws {
        let raw = "\(path).raw"
        try createSparse(raw, bytes: 1 << 20)
        try writeBytes(Array(content.utf8), to: raw, at: 4096)
        try writeBytes([0x55, 0xaa], to: raw, at: 510)
        guard format != .vmdk else {
            let disk = RawDisk(path: raw, virtualBytes: 1 << 20)
            return try await VMDKWriter(processors: 2).write(disk, to: path, fileName: baseName(path))
        }
        try await runner.run(Conversion(format: format, source: raw, target: path).command)
    }

    private func info(_ disk: String) async throws -> String {
        try await runner.run(Command("qemu-img", ["info", "--backing-chain", disk]))
    }

    @Test(arguments: [ImageFormat.raw, .qcow2, .vmdk, .vhd, .vhdFixed, .vhdx, .vmdkSparse])
    func aDiskIsCreatedOnceAndContinued(format: ImageFormat) async throws {
        try await withTemporaryDirectory { directory in
            let (image, path) = ("\(directory)/a, b.\(format)", "\(directory)/keep.qcow2")
            try await makeImage(image, format)
            let before = try sha256(of: image)
            let disk = try await KeptDisk(path, on: image, of: "1.0", runner: runner)
            let base = try QemuBlockNode(path: image, format: format)
            let write = Command("qemu-io", ["--image-opts", "-c", "write -P 7 0 64k", disk.node(on: base).options])
            try await runner.run(write)
            let written = try sha256(of: path)
            #expect(try await KeptDisk(path, on: image, of: "1.0", runner: runner) == disk)
            #expect(try sha256(of: path) == written && sha256(of: image) == before)
            #expect(try await info(path).contains("file format: \(Conversion.driver(of: format))"))
        }
    }

    @Test func anImageThatWasMovedIsFoundAndAnotherOneIsRefused() async throws {
        try await withTemporaryDirectory { directory in
            let (image, path) = ("\(directory)/image.qcow2", "\(directory)/keep.qcow2")
            try await makeImage(image, .qcow2)
            _ = try await KeptDisk(path, on: image, of: "1.0", runner: runner)
            let moved = "\(directory)/moved.qcow2"
            try renameFile(image, to: moved)
            let disk = try await KeptDisk(path, on: moved, of: "1.0", runner: runner)
            let node = disk.node(on: try QemuBlockNode(path: moved, format: .qcow2))
            try await runner.run(Command("qemu-io", ["--image-opts", "-c", "read 0 64k", node.options]))
            let gone = try await refusal {
                try await KeptDisk(path, on: try await makeOther(in: directory), of: "2.0", runner: runner)
            }
            #expect(gone.advice?.hasPrefix("its image is gone") == true)
            try await makeImage(image, .qcow2, content: "built again")
            let replaced = try await refusal { try await KeptDisk(path, on: image, of: "1.0", runner: runner) }
            #expect(replaced.code == .badData)
            #expect(replaced.message == "\(image) (asset id 1.0) was replaced after \(path) was made of it")
            #expect(replaced.details.count == 2 && replaced.advice?.contains("put its image back") == true)
            let other = try await makeOther(in: directory)
            let foreign = try await refusal { try await KeptDisk(path, on: other, of: "2.0", runner: runner) }
            #expect(foreign.message == "\(path) was made of \(image), not of \(other) (asset id 2.0)")
            #expect(foreign.advice?.hasPrefix("dss run \(image) --keep \(path), or ") == true)
        }
    }

    private func makeOther(in directory: String) async throws -> String {
        let path = "\(directory)/other.qcow2"
        try await makeImage(path, .qcow2, content: "other")
        return path
    }

    private func refusal(_ body: () async throws -> KeptDisk) async throws -> Failure {
        try #require(await failure(of: { _ = try await body() }))
    }

    @Test func anArchiveIsNoImageOfAKeptDisk() async throws {
        try await withTemporaryDirectory { directory in
            let (image, path) = ("\(directory)/image.tar.gz", "\(directory)/keep.qcow2")
            try createSparse("\(directory)/a.raw", bytes: 1 << 20)
            try await runner.run(DiskArchive(path: image).packing("\(directory)/a.raw", processors: 2))
            let failure = await failure(of: { _ = try await KeptDisk(path, on: image, of: "1.0", runner: runner) })
            #expect(failure?.code == .badData && failure?.advice == DiskArchive(path: image).advice)
            #expect(!fileExists(path))
        }
    }

    @Test func aFileThatIsNoKeptDiskStaysAsItIs() async throws {
        try await withTemporaryDirectory { directory in
            let image = "\(directory)/image.qcow2"
            try await makeImage(image, .qcow2)
            let before = try sha256(of: image)
            try write("notes", "\(directory)/notes")
            for path in [image, "\(directory)/notes"] {
                let failure = await failure(of: { _ = try await KeptDisk(path, on: image, of: "1.0", runner: runner) })
                #expect(failure?.message == "\(path) was not created by 'run --keep'")
            }
            #expect(try sha256(of: image) == before && readText("\(directory)/notes") == "notes")
        }
    }
}
