import AWSCore
import AWSServices
import Sandbox

extension Stacks {
    /// The ARN of the web ACL, from the stack that has it.
    /// - Precondition: these are the stacks of that stack's region.
    /// - Throws: `Failure` where it is not there or not in order.
    package func webACL() async throws -> String {
        let (name, output) = (PermanentStack.vmBucketWAF.name, PermanentStack.Output.webACL)
        let stack = try await stack(name)
        let advice = "dss \(PermanentStack.vmBucketWAF.command)"
        switch StackState(status: stack?.stackStatus) {
        case .absent, .draft:
            throw Failure(
                .unavailable, "there is no web ACL to guard the bucket: no stack \(name) in \(client.region)",
                advice: "\(advice), then run this again")
        case .steady:
            guard let arn = stack?.outputValues[output] else {
                throw Failure(
                    .unavailable, "stack \(name) in \(client.region) has no output \(output)",
                    advice: "\(advice) brings it up to date; then run this again")
            }
            return arn
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
