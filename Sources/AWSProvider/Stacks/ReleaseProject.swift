import AWSCore

/// Where releases are built, as the stack of the release tells it.
package struct ReleaseProject: Sendable, Equatable {
    /// The name of CodeBuild's project.
    package var name: String
    /// The ARN of the secret that has the default password.
    package var passwordSecret: String

    /// - Throws: `Failure` where the stack is not there or not in order, with the command that mends it.
    package static func find(in client: AWSClient) async throws -> ReleaseProject {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(client, .silent).outputs(
            of: .releaseCodeBuild, [Output.project, Output.passwordSecret],
            orElse: "there is no project that builds releases")
        return ReleaseProject(name: outputs[Output.project] ?? "", passwordSecret: outputs[Output.passwordSecret] ?? "")
    }
}
