import Sandbox
import Workbench

@testable import Provisioning

/// A runner for code that runs programs to their end and does nothing else with them.
protocol ExecutingRunner: CommandRunner {}

extension ExecutingRunner {
    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw Failure(.bug, "\(command.executable) is only run to its end")
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        throw Failure(.bug, "\(command.executable) is only run to its end")
    }
}

extension AnsibleProvisioner {
    /// Installs the only step of a play with these roles on a machine that does not exist.
    func install(_ roles: [String]) async throws {
        try await withTemporaryDirectory { folder in
            let definition = SandboxDefinition(
                name: "lab", version: "1", playbook: .init(file: "/p", pins: "/q", roles: roles))
            let order = BuildOrder(
                assetID: try AssetID("1"), definition: definition, password: .generated(Secret("x")))
            _ = try await install(
                definition.playbook.steps[0],
                on: Machine(endpoint: SSHEndpoint(configFile: "\(folder)/ssh_config", alias: "m")),
                in: BuildContext(order, Scope()))
        }
    }
}

private struct Machine: BuildMachine {
    var endpoint: SSHEndpoint
    let stepsDone = 0
    let buildEnvironment: [String: String] = [:]
    let missing: [MissingComponent] = []
}
