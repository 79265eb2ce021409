import LocalMachine
import Sandbox

extension SandboxDefinition {
    /// The same sandbox with its playbook cut into the layers of a container image: what changes rarely comes first,
    /// so that whoever has an older image pulls little, and a changed notebook is the last layer alone.
    package var cutIntoLayers: SandboxDefinition {
        var definition = self
        let groups = [["base", "docker"], ["poetry", "jupyter"], [], ["notebooks", "container"]]
        let named = Set(groups.joined())
        // Roles that this program does not know come after the packages, in the order of the playbook.
        let layers = groups.map { group in
            playbook.roles.filter { group.isEmpty ? !named.contains($0) : group.contains($0) }
        }.filter { !$0.isEmpty }
        definition.playbook.roles = Array(layers.joined())
        definition.playbook.checkpoints = layers.compactMap(\.last)
        return definition
    }

    /// Whether a variable of the playbook names this host as the build machine sees it.
    var namesHost: Bool { playbook.variables.values.contains { $0.mentions(MachineNetwork.hostAddress) } }

    /// The entry point is a role: without it there is nothing to start.
    func requireEntryPoint() throws {
        guard playbook.roles.contains("container") else {
            throw Failure(
                .badData, "the playbook \(playbook.file) has no role 'container', which installs the entry point",
                advice: "add it to the list of roles, see playbook/README.md")
        }
    }
}

extension Variable {
    fileprivate func mentions(_ text: String) -> Bool {
        switch self {
        case .string(let value): value.contains(text)
        case .list(let values): values.contains { $0.mentions(text) }
        case .map(let values): values.values.contains { $0.mentions(text) }
        case .integer, .boolean: false
        }
    }
}
