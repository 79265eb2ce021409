import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import DiskImages

/// Real machines: GRUB's own configuration prints a mark on the serial console, which proves firmware, boot code,
/// partition table and root file system without any kernel.
@Suite(.serialized, .enabled(if: canBoot))
struct BootTests {
    @Test func everyHardwareReachesTheRootFileSystem() async throws {
        try await withTemporaryDirectory { directory in
            let images = try await makeImages(in: directory, [.vhd, .vmdk, .ova, .vhdx, .gcp])
            let before = try images.values.map(sha256(of:)).sorted()
            let formats: [Hardware: ImageFormat] = [
                .virtualbox: .ova, .vmware: .vmdk, .hyperv: .vhd, .qemu: .gcp, .qemuUEFI: .vhdx, .ec2: .vhd,
            ]
            for hardware in Hardware.allCases {
                guard hardware.firmware == .bios || (try? UEFIFirmware.installed()) != nil else {
                    print("skipped: \(hardware): ovmf is not installed")
                    continue
                }
                let host = try await host(images[formats[hardware]!]!, hardware)
                try await host.withGuest("boot") { address in
                    let platform = hardware.firmware == .uefi ? "efi" : "pc"
                    try await waitForMarker("\(SmallRoot.marker)-\(platform)", address.consoleLog)
                }
            }
            #expect(try images.values.map(sha256(of:)).sorted() == before, "an image was written to")
            #expect(LeftoverGuests().assets().filter { $0.assetID == Self.assetID }.isEmpty)
        }
    }

    @Test func twoCopiesAtOnceAndPortsThatAreForwarded() async throws {
        try await withTemporaryDirectory { directory in
            let host = try await host(try await makeImages(in: directory, [.qcow2])[.qcow2]!, .qemu)
            try await host.withGuest("first") { first in
                try await host.withGuest("second") { second in
                    let ports = [first.sshPort, first.jupyterPort, second.sshPort, second.jupyterPort]
                    #expect(Set(ports).count == 4)
                    #expect(first.consoleLog != second.consoleLog)
                    let running = LeftoverGuests().assets().filter { $0.assetID == Self.assetID }
                    #expect(running.count == 2 && running.allSatisfy { $0.isInUse && $0.kind == .process })
                    #expect(await LeftoverGuests().remove(AssetPattern(Self.assetID)).isEmpty, "they are in use")
                    #expect(ports.allSatisfy(isListening))
                }
            }
        }
    }

    @Test func aPortThatIsTakenIsReplacedByAnother() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImages(in: directory, [.qcow2])[.qcow2]!
            var unlucky = try await host(image, .qemu)
            let calls = Mutex(0)
            let first = Mutex(0)
            unlucky.choosePorts = {
                calls.withLock { $0 += 1 }
                return try calls.withLock { $0 } == 1 ? [first.withLock { $0 }, freePorts(1)[0]] : freePorts(2)
            }
            try await host(image, .qemu).withGuest("holder") { [unlucky] holder in
                first.withLock { $0 = holder.sshPort }
                try await unlucky.withGuest("second") { #expect($0.sshPort != holder.sshPort) }
            }
            #expect(calls.withLock { $0 } == 2)
        }
    }

    @Test func aMachineThatEndsByItselfIsToldWithWhatItSaid() async throws {
        try await withTemporaryDirectory { directory in
            let host = try await host(try await makeImages(in: directory, [.qcow2])[.qcow2]!, .qemu)
            let failure = await failure(of: {
                try await host.withGuest("killed") { address in
                    try await waitForMarker(SmallRoot.marker, address.consoleLog)
                    let own = BackgroundProcess.all { words in
                        words.contains { $0.hasSuffix("/killed/\(Self.assetID)") }
                    }
                    #expect(own.count == 1)
                    for process in own { process.signal(SIGKILL) }
                    try await Task.sleep(for: .seconds(60))
                }
            })
            #expect(failure?.message == "the virtual machine (qemu) stopped unexpectedly")
            #expect(failure?.details.contains { $0.contains(SmallRoot.marker) } == true)
        }
    }

    @Test func cancellingEndsTheMachine() async throws {
        try await withTemporaryDirectory { directory in
            let host = try await host(try await makeImages(in: directory, [.qcow2])[.qcow2]!, .qemu, in: directory)
            let started = Mutex(false)
            let task = Task {
                try await host.withGuest("cancelled") { _ in
                    started.withLock { $0 = true }
                    try await Task.sleep(for: .seconds(60))
                }
            }
            while !started.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(LeftoverGuests().assets().filter { $0.assetID == Self.assetID }.isEmpty)
            #expect(try names(in: directory).filter { $0.hasPrefix("dss.") }.isEmpty)
        }
    }

    @Test func orphansAreFoundAndRemoved() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImages(in: directory, [.qcow2])[.qcow2]!
            let name = GuestName(starter: "1.99999999999", hardware: "qemu", guest: "orphan", assetID: "orphan-test")
            let command = GuestCommand(
                name: name, hardware: .qemu, accelerator: .tcg, image: try QemuBlockNode(path: image, format: .qcow2),
                memoryMiB: 256, ports: [], directory: directory)
            try await runner.run(command.command)
            let found = LeftoverGuests().assets().filter { $0.assetID == "orphan-test" }
            #expect(found.map(\.isOrphan) == [true])
            #expect(await LeftoverGuests().remove(AssetPattern("other")).isEmpty)
            #expect(await LeftoverGuests().remove(AssetPattern("orphan-*")) == found)
            #expect(!LeftoverGuests().assets().contains { $0.assetID == "orphan-test" })
            #expect(!fileExists(directory), "the guest's files are gone too")
        }
    }

    @Test func hardwareThatCannotBeMadeIsToldWithTheCommand() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImages(in: directory, [.qcow2])[.qcow2]!
            let host = try await QemuGuestHost(
                image: image, on: .qemu, options: .init(memoryMiB: 1 << 30, assetID: Self.assetID), accelerator: .tcg,
                runner: runner)
            let failure = await failure(of: { try await host.withGuest("huge") { _ in } })
            #expect(failure?.code == .unavailable)
            #expect(failure?.advice?.contains("qemu-system-x86_64") == true)
            #expect(failure?.details.isEmpty == false)
        }
    }

    @Test func theProbeRunsAGuest() async throws {
        let probe = AcceleratorProbe(runner: runner, device: "/nonexistent/kvm")
        #expect(try await probe.works(.tcg))
        #expect(try await !probe.works(.kvm))
        let best = try await AcceleratorProbe(runner: runner).best()
        print("the best accelerator here is \(best)")
        let again = Stopwatch(ContinuousClock())
        #expect(try await AcceleratorProbe(runner: FailingRunner()).best() == best)
        #expect(again.seconds < 0.5, "the answer is remembered")
    }

    private static let assetID = "boot-test-\(getpid())"

    private func makeImages(in directory: String, _ formats: [ImageFormat]) async throws -> [ImageFormat: String] {
        let root = try SmallRoot.make(in: directory)
        let raw = try await DiskWriter(runner: runner).write(root, to: "\(directory)/d.raw", sizeMiB: 192)
        let images = try await ImageConverter(runner: runner).convert(
            raw, to: formats, in: directory, stem: "image", appliance: Appliance(name: "small", version: "1"))
        return Dictionary(uniqueKeysWithValues: images.map { ($0.file.format, $0.temporaryPath) })
    }

    private func host(
        _ image: String, _ hardware: Hardware, in directory: String = "/var/tmp"
    ) async throws -> QemuGuestHost {
        try await QemuGuestHost(
            image: image, on: hardware,
            options: .init(memoryMiB: 512, assetID: Self.assetID, temporaryDirectory: directory), runner: runner)
    }
}

private func waitForMarker(_ marker: String, _ console: String) async throws {
    let stopwatch = Stopwatch(ContinuousClock())
    while !((try? readText(console)) ?? "").contains(marker) {
        guard stopwatch.seconds < 60 else {
            Issue.record("no '\(marker)' after 60 s on the console: \(tail(of: console))")
            return
        }
        try await Task.sleep(for: .milliseconds(50))
    }
}

private func isListening(_ port: Int) -> Bool {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(file) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

/// Runs nothing.
private struct FailingRunner: CommandRunner {
    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput { throw Failure(.bug, "\(command.executable) must not run") }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw Failure(.bug, "\(command.executable) must not run")
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { throw Failure(.bug, "\(command.executable) must not run") }
}
