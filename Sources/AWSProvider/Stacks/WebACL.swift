import AWSCore
import AWSServices
import Sandbox

extension Stacks {
    /// The ARN of the web ACL, from the stack that has it.
    /// - Precondition: these are the stacks of that stack's region.
    /// - Throws: `Failure` where it is not there or not in order.
    package func webACL() async throws -> String {
        let output = PermanentStack.Output.webACL
        let outputs = try await outputs(
            of: .vmBucketWAF, [output], orElse: "there is no web ACL to guard the bucket")
        return outputs[output] ?? ""
    }

    /// What a permanent stack tells of what is in it.
    /// - Parameters:
    ///   - names: outputs that it must have.
    ///   - lack: what is missing where there is no such stack.
    /// - Throws: `Failure` where the stack is not there or not in order.
    func outputs(of permanent: PermanentStack, _ names: [String], orElse lack: String) async throws -> [String: String]
    {
        let name = permanent.name
        let stack = try await stack(name)
        let advice = "dss \(permanent.command)"
        switch StackState(status: stack?.stackStatus) {
        case .absent, .draft:
            throw Failure(
                .unavailable, "\(lack): no stack \(name) in \(client.region)",
                advice: "\(advice), then run this again")
        case .steady:
            let outputs = stack?.outputValues ?? [:]
            guard let missing = names.first(where: { outputs[$0] == nil }) else { return outputs }
            throw Failure(
                .unavailable, "stack \(name) in \(client.region) has no output \(missing)",
                advice: "\(advice) brings it up to date; then run this again")
        case .busy:
            throw Failure(
                .temporary, "stack \(name) in \(client.region) is being changed: \(stack?.stackStatus ?? "")",
                advice: "wait until that is over, then run this again")
        case .stillborn, .stuck:
            throw Failure(
                .unavailable, "stack \(name) in \(client.region) is in \(stack?.stackStatus ?? "")",
                details: try await reasons(of: name), advice: "\(advice) tells what to do; then run this again")
        }
    }
}
