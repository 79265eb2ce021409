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

    /// The entry point is a role: without it there is nothing to start.
    func requireEntryPoint() throws {
        guard playbook.roles.contains("container") else {
            throw Failure(
                .badData, "the playbook \(playbook.file) has no role 'container', which installs the entry point",
                advice: "add it to the list of roles, see playbook/README.md")
        }
    }
}
