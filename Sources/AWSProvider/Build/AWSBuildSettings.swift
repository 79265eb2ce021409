import Sandbox

/// What a build on AWS needs to know beside the definition.
package struct AWSBuildSettings: Sendable {
    /// The machine, given the definition, asked only where one is needed; `nil` where that of a stack that is there is
    /// meant.
    package var machine: (@Sendable (SandboxDefinition) async throws -> MachineOrder)?
    /// Whether the machine goes as soon as its image is there.
    package var removesMachine: Bool
    package var method: ExportMethod
    package var place: ExportPlace
    package var credentials: Preflight.Credentials
    /// Hash of all that goes into the sandbox but the password.
    package var inputs: String

    package init(
        machine: (@Sendable (SandboxDefinition) async throws -> MachineOrder)?, removesMachine: Bool = true,
        method: ExportMethod,
        place: ExportPlace, credentials: Preflight.Credentials, inputs: String
    ) {
        self.machine = machine
        self.removesMachine = removesMachine
        self.method = method
        self.place = place
        self.credentials = credentials
        self.inputs = inputs
    }
}
