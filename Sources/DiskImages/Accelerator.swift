import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// The QEMU accelerator that executes a guest's instructions.
package enum Accelerator: String, Sendable, Codable {
    case kvm
    /// QEMU's emulation, which is slow but works everywhere.
    case tcg

    var option: String { self == .kvm ? "kvm" : "tcg,thread=multi" }
    var cpu: String { self == .kvm ? "host" : "max" }

    /// A warning that guests are slow, with the way out if there is one; `nil` with KVM. Its lines fit a terminal of 80
    /// columns, because a line with a command is not wrapped.
    package func warning(device: String = "/dev/kvm") -> String? {
        guard self == .tcg else { return nil }
        let slow = "QEMU emulates the processor, and everything in the sandbox is slow"
        if fileExists(device), access(device, R_OK | W_OK) != 0 {
            let remedy = "to change that, run 'sudo usermod -aG kvm \"$USER\"' and log in again"
            return "no permission to use KVM\n\(slow)\n\(remedy)"
        }
        return "KVM \(fileExists(device) ? "does not work" : "is not available") on this host\n\(slow)"
    }
}

/// Tests whether KVM works by running a guest: on some hosts, mostly virtual ones, `/dev/kvm` can be opened but guests
/// hang.
package struct AcceleratorProbe: Sendable {
    private static let found = Mutex<Accelerator?>(nil)

    private let runner: any CommandRunner
    private let limit: Duration
    private let device: String

    package init(runner: any CommandRunner, limit: Duration = .seconds(2), device: String = "/dev/kvm") {
        self.runner = runner
        self.limit = limit
        self.device = device
    }

    /// The best accelerator of this host; probed once per process.
    package func best() async throws -> Accelerator {
        if let known = Self.found.withLock({ $0 }) { return known }
        let answer: Accelerator = try await works(.kvm) ? .kvm : .tcg
        Self.found.withLock { $0 = answer }
        return answer
    }

    /// Whether a guest reaches 64-bit code with paging within the time limit.
    package func works(_ accelerator: Accelerator) async throws -> Bool {
        guard accelerator == .tcg || fileExists(device) else { return false }
        return try await withTemporaryDirectory { directory in
            let disk = "\(directory)/probe.img"
            try createSparse(disk, bytes: Int64(ProbeSector.bytes.count))
            try writeBytes(ProbeSector.bytes, to: disk, at: 0)
            do {
                let output = try await runner.execute(command(accelerator, disk: disk))
                try Task.checkCancellation()
                return output.status == .exited(ProbeSector.exitCode)
                    && output.standardOutput.contains(ProbeSector.mark)
            } catch let missing as ToolMissing {
                throw Failure(
                    .unavailable, "\(missing)", advice: "sudo apt-get install qemu-system-x86 coreutils")
            }
        }
    }

    /// The command of the probe. `timeout` kills a hanging guest with SIGKILL, because it has no state to save.
    func command(_ accelerator: Accelerator, disk: String) -> Command {
        let seconds = max(1, limit.components.seconds)
        let machine = [
            "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", accelerator.option, "-cpu", accelerator.cpu,
            "-m", "16", "-display", "none", "-no-reboot",
        ]
        let devices = [
            "-drive", "if=ide,format=raw,snapshot=on,file=\(QemuBlockNode.escaped(disk))",
            "-device", "isa-debugcon,iobase=0xe9,chardev=out", "-chardev", "stdio,id=out",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
        ]
        return Command(
            "timeout", ["--signal=KILL", "\(seconds)", "qemu-system-x86_64"] + machine + devices,
            environment: ["LC_ALL": "C"])
    }
}

/// A boot sector that switches from real mode to 64-bit mode with paging, reports success, and ends the machine.
///
/// Running firmware and 16-bit code is not a sufficient test: on some hosts they run and only 64-bit guests hang.
/// The source in AT&T syntax, loaded at 0x7c00:
/// ```
/// cli; xorw %ax,%ax; movw %ax,%ds; movw %ax,%es; movw %ax,%ss; movw $0x7c00,%sp; cld
/// movw $0x1000,%di; xorl %eax,%eax; movw $0x0c00,%cx; rep stosl        # three empty page tables
/// movl $0x2003,0x1000; movl $0x3003,0x2000; movl $0x0083,0x3000         # one page of 2 MiB
/// movl %cr4,%eax; orb $0x20,%al; movl %eax,%cr4; movl $0x1000,%eax; movl %eax,%cr3
/// movl $0xc0000080,%ecx; rdmsr; orw $0x0100,%ax; wrmsr                  # EFER.LME
/// lgdtl gdtr; movl %cr0,%eax; orl $0x80000001,%eax; movl %eax,%cr0; ljmp $8,$long
/// long: cpuid; movw $0xe9,%dx; movb $'L',%al; outb %al,%dx              # isa-debugcon
/// movw $0xf4,%dx; movb $0x2a,%al; outb %al,%dx; 1: hlt; jmp 1b          # isa-debug-exit
/// .balign 8; gdt: .quad 0, 0x00209a0000000000; gdtr: .word 15; .long gdt
/// ```
enum ProbeSector {
    static let mark = "L"
    /// Exit code that `isa-debug-exit` derives from 0x2a: twice the value plus one.
    static let exitCode: Int32 = 0x2a * 2 + 1

    static var bytes: [UInt8] {
        code + [UInt8](repeating: 0, count: DiskLayout.sectorSize - code.count - 2) + [0x55, 0xaa]
    }

    private static let code: [UInt8] = [
        0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfc, 0xbf, 0x00, 0x10,
        0x66, 0x31, 0xc0, 0xb9, 0x00, 0x0c, 0x66, 0xf3, 0xab, 0x66, 0xc7, 0x06, 0x00, 0x10, 0x03, 0x20,
        0x00, 0x00, 0x66, 0xc7, 0x06, 0x00, 0x20, 0x03, 0x30, 0x00, 0x00, 0x66, 0xc7, 0x06, 0x00, 0x30,
        0x83, 0x00, 0x00, 0x00, 0x0f, 0x20, 0xe0, 0x0c, 0x20, 0x0f, 0x22, 0xe0, 0x66, 0xb8, 0x00, 0x10,
        0x00, 0x00, 0x0f, 0x22, 0xd8, 0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x0d, 0x00, 0x01,
        0x0f, 0x30, 0x66, 0x0f, 0x01, 0x16, 0x90, 0x7c, 0x0f, 0x20, 0xc0, 0x66, 0x0d, 0x01, 0x00, 0x00,
        0x80, 0x0f, 0x22, 0xc0, 0xea, 0x69, 0x7c, 0x08, 0x00, 0x0f, 0xa2, 0x66, 0xba, 0xe9, 0x00, 0xb0,
        0x4c, 0xee, 0x66, 0xba, 0xf4, 0x00, 0xb0, 0x2a, 0xee, 0xf4, 0xeb, 0xfd, 0x0f, 0x1f, 0x40, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9a, 0x20, 0x00,
        0x0f, 0x00, 0x80, 0x7c,
    ]
}
