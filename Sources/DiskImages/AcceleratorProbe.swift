import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// Finds out whether KVM works by running a guest: there are machines, most of all virtual ones, whose `/dev/kvm`
/// opens and whose guests hang.
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

    /// The best accelerator of this machine, asked once in the life of this process.
    package func best() async throws -> Accelerator {
        if let known = Self.found.withLock({ $0 }) { return known }
        let answer: Accelerator = try await works(.kvm) ? .kvm : .tcg
        Self.found.withLock { $0 = answer }
        return answer
    }

    /// Whether a guest gets as far as 64-bit code with paging within the limit.
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

    /// `timeout` ends a guest that hangs with SIGKILL at once; nothing of it is worth saving.
    func command(_ accelerator: Accelerator, disk: String) -> Command {
        let seconds = max(1, limit.components.seconds)
        let machine = [
            "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", accelerator.option, "-cpu", accelerator.cpu,
            "-m", "16", "-display", "none", "-no-reboot",
        ]
        let devices = [
            "-drive", "if=ide,format=raw,snapshot=on,file=\(ImageNode.escaped(disk))",
            "-device", "isa-debugcon,iobase=0xe9,chardev=out", "-chardev", "stdio,id=out",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
        ]
        return Command(
            "timeout", ["--signal=KILL", "\(seconds)", "qemu-system-x86_64"] + machine + devices,
            environment: ["LC_ALL": "C"])
    }
}
