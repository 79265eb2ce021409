import AWSCore
import AWSIdentity
import AWSProvider
import Definition
import Sandbox
import Workbench

extension Live {
    /// What the definition says of AWS, by default where there is none.
    func cloud(_ options: DefinitionOptions) throws -> (names: SandboxDefinition.Names, aws: SandboxDefinition.AWS) {
        guard fileExists(options.file) || !options.settings.isEmpty else { return (.init(), .init()) }
        let definition = try loaded(options).definition.definition
        return (definition.names, definition.aws)
    }

    /// Gives `body` a client of the region that the flag, the caller's settings or the definition name.
    func withImages<Result>(
        _ options: AWSOptions, _ definition: DefinitionOptions,
        _ body: (AWSClient, SandboxDefinition.Names) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(definition)
        return try await withAWS(options) { identity in
            try await body(try identity.orRegion(of: aws).client(), names)
        }
    }
}
