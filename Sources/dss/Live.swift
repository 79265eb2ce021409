import Definition
import DiskImages
import FoundationEssentials
import Glibc
import LocalMachine
import LocalProvider
import Provisioning
import Sandbox
import Workbench

/// The world as it is: environment, programs, folders and clock. Nothing else in this program looks at them.
struct Live: Sendable {
    let environment = ProcessInfo.processInfo.environment
    let runner = SystemCommandRunner()

    func requireRoot(for command: String) throws {
        guard geteuid() == 0 else {
            throw Failure(.noPermission, "'\(command)' needs root on this machine", advice: "sudo \(command)")
        }
    }
}
