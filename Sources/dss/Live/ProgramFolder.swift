import FoundationEssentials
import Provisioning
import Workbench

/// The folder that this program came with: its definition, its playbook and, after `make`, its Ansible.
enum ProgramFolder {
    /// `nil` if the program was moved away from it.
    static let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).flatMap(find)

    /// The repository in which the program was built, or the `share/dss` of the prefix in which it was installed.
    static func find(program: String) -> String? {
        var folder = parentDirectory(program)
        let installed = "\(parentDirectory(folder))/share/dss"
        if isComplete(installed) { return installed }
        while folder.count > 1 {
            if isComplete(folder) { return folder }
            folder = parentDirectory(folder)
        }
        return nil
    }

    private static func isComplete(_ folder: String) -> Bool {
        StarterSandbox.sources.allSatisfy { fileExists("\(folder)/\($0)") }
    }
}
