import Sandbox

extension SandboxDefinition {
    /// Whether a variable of the playbook names this host as the build machine sees it.
    package var namesHost: Bool {
        playbook.variables.values.contains { $0.mentions(MachineNetwork.hostAddress) }
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
