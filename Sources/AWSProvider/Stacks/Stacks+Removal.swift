import AWSCore
import AWSServices
import Sandbox

/// Removing a stack that is of no use.
extension Stacks {
    /// - Throws: `Failure` with the reasons where it is not to be removed.
    func offerRemoval(of stack: CloudFormation.Stack) async throws {
        let failed = FailedStack(
            name: stack.stackName, region: client.region, status: stack.stackStatus,
            reasons: try await reasons(of: stack.stackId ?? stack.stackName))
        guard try await talk.approveRemoval(failed) else {
            throw Failure(
                .failed,
                "an earlier creation of stack \(failed.name) in \(failed.region) failed: \(failed.status)",
                details: failed.reasons,
                advice: "run it again and let it be removed (--yes does not ask), or: "
                    + StackAdvice.remove(failed.name, in: failed.region))
        }
        try await remove(stack)
    }

    /// Takes the protection away and deletes it.
    func remove(_ stack: CloudFormation.Stack) async throws {
        talk.tell(.step("removing stack \(stack.stackName)"))
        if stack.enableTerminationProtection == true {
            _ = try await client.call(
                CloudFormation.UpdateTerminationProtection(
                    stackName: stack.stackName, enableTerminationProtection: false))
        }
        try await delete(stack)
    }

    /// Deletes it and waits until it is gone.
    func delete(_ stack: CloudFormation.Stack) async throws {
        // By its id, so that another one of the same name that comes after it is not hit.
        let id = stack.stackId ?? stack.stackName
        _ = try await client.call(CloudFormation.DeleteStack(stackName: id))
        try await orLeft("AWS goes on removing", stack.stackName, StackAdvice.look) {
            try await gone(id, stack.stackName)
        }
    }

    private func gone(_ id: String, _ name: String) async throws {
        try await client.wait(for: "the removal of stack \(name)", at: pace) {
            let status = try await self.stack(id)?.stackStatus
            guard StackState(status: status) != .absent else { return }
            guard status == "DELETE_FAILED" else { return nil }
            throw Failure(
                .failed, "stack \(name) in \(client.region) could not be removed",
                details: try await reasons(of: id),
                advice: StackAdvice.unblock(name, in: client.region, status: "DELETE_FAILED"))
        }
    }
}
