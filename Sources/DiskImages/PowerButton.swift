import Glibc
import Workbench

/// The power button of a guest: QEMU's monitor (QMP) on two named pipes, because the path of a socket is limited to 107
/// bytes. Responses are not read; whether the guest obeys is up to its operating system.
struct PowerButton: Sendable, Equatable {
    private let path: String

    init(in directory: String) {
        path = "\(directory)/monitor"
    }

    var options: [String] {
        ["-chardev", "pipe,id=qmp,path=\(QemuBlockNode.escaped(path))", "-mon", "chardev=qmp,mode=control"]
    }

    /// Creates the pipes, which must exist when QEMU starts.
    func install() throws {
        for pipe in ["\(path).in", "\(path).out"] where mkfifo(pipe, 0o600) != 0 && errno != EEXIST {
            throw FileError("create a pipe at", pipe)
        }
    }

    /// Does nothing if QEMU has ended.
    func press() {
        let file = open("\(path).in", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        let commands = Array(#"{"execute":"qmp_capabilities"}{"execute":"system_powerdown"}"#.utf8)
        _ = commands.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }
}
