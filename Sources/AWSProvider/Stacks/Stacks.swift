import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// The stacks of one region. They are deployed with change sets, which are shown for approval first.
package struct Stacks: Sendable {
    let client: AWSClient
    let talk: DeploymentCallbacks
    let polling: PollingPolicy

    package init(
        _ client: AWSClient, _ talk: DeploymentCallbacks, polling: PollingPolicy = .init(limit: .seconds(2 * 3600))
    ) {
        self.client = client
        self.talk = talk
        self.polling = polling
    }

    /// Creates or updates a stack.
    /// - Throws: `Failure` with the failed resource and AWS's reason; `LeftBehind` if an unfinished change or change
    ///   set remains.
    package func deploy(_ order: StackOrder) async throws -> Deployment {
        let present = try await readied(order.name)
        try order.checkRequired(over: present?.parameterValues ?? [:])
        let draft = ChangeSetDraft(order, over: present)
        let plan: StackPlan
        let mark: String?
        do {
            guard let drawn = try await draw(draft) else {
                try await discard(draft)
                return try await settled(order, .unchanged)
            }
            plan = drawn
            guard try await talk.approve(plan) else {
                try await discard(draft)
                return Deployment(
                    stack: order.name, region: client.region, outcome: .planned, plan: plan,
                    outputs: present?.outputValues ?? [:])
            }
            try Task.checkCancellation()
            mark = try await newestEvent(of: order.name)
            try await execute(draft)
        } catch {
            throw await afterDiscarding(draft, error)
        }
        try await follow(order.name, plan.kind, since: mark)
        return try await settled(order, plan.kind == .create ? .created : .updated, plan)
    }

    /// Returns the stack with a name or id; `nil` if it does not exist.
    package func stack(_ name: String) async throws -> CloudFormation.Stack? {
        do {
            return try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
        } catch let error as AWSError where error.code == "ValidationError" {
            // The name is well-formed, so the only possible cause is that the stack does not exist.
            return nil
        }
    }

    /// Returns the stack if it can be updated, or `nil` if it must be created. Offers to delete a stack whose creation
    /// failed.
    private func readied(_ name: String) async throws -> CloudFormation.Stack? {
        let stack = try await stack(name)
        switch StackState(status: stack?.stackStatus) {
        case .absent, .draft: return nil
        case .steady: return stack
        case .busy:
            throw Failure(
                .temporary, "stack \(name) has a change in progress: \(stack?.stackStatus ?? "")",
                advice: "wait for it to finish, then run the same command again")
        case .stillborn:
            guard let stack else { return nil }
            try await offerRemoval(of: stack)
            return nil
        case .stuck:
            let status = stack?.stackStatus ?? ""
            throw Failure(
                .failed, "stack \(name) in \(client.region) cannot be updated: its status is \(status)",
                details: try await reasons(of: name),
                advice: StackCommands.unblock(name, in: client.region, status: status))
        }
    }

    /// Enables termination protection if requested, and returns the final state of the stack.
    private func settled(
        _ order: StackOrder, _ outcome: Deployment.Outcome, _ plan: StackPlan? = nil
    ) async throws -> Deployment {
        let stack = try await stack(order.name)
        if order.isProtected, stack?.enableTerminationProtection != true {
            _ = try await client.call(
                CloudFormation.UpdateTerminationProtection(stackName: order.name, enableTerminationProtection: true))
        }
        return Deployment(
            stack: order.name, region: client.region, outcome: outcome, plan: plan, outputs: stack?.outputValues ?? [:])
    }
}

extension CloudFormation.Stack {
    var outputValues: [String: String] {
        outputs.reduce(into: [:]) { if let key = $1.outputKey { $0[key] = $1.outputValue } }
    }

    var parameterValues: [String: String] {
        parameters.reduce(into: [:]) { $0[$1.parameterKey] = $1.parameterValue }
    }
}

/// Following a change in progress and explaining its failure.
extension Stacks {
    /// The id of the newest event. Later events belong to the next change.
    func newestEvent(of name: String) async throws -> String? {
        try await client.call(CloudFormation.DescribeStackEvents(stackName: name)).stackEvents.first?.eventId
    }

    /// Waits until the change is complete, and reports its events.
    /// - Throws: `Failure` if it failed or was rolled back; `LeftBehind` if the wait was cancelled, because AWS
    ///   continues the change.
    func follow(_ name: String, _ kind: StackPlan.Kind, since mark: String?) async throws {
        let doing = kind == .create ? "creating" : "updating"
        talk.tell(.step("\(doing) stack \(name)"))
        let stack = try await orLeft("AWS is still \(doing)", name, StackCommands.look) {
            try await rested(name, since: mark)
        }
        guard !StackState.isSuccess(stack.stackStatus) else { return }
        throw try await failure(of: stack, kind)
    }

    /// Runs `body`; if it is cancelled, the thrown `LeftBehind` explains what happens to the stack.
    /// - Parameters:
    ///   - fate: the beginning of that explanation; the name of the stack follows.
    ///   - command: returns the command to check on the stack, from its name and region.
    func orLeft<Result>(
        _ fate: String, _ name: String, _ command: (String, String) -> String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do { return try await body() } catch is CancellationError {
            let line = "\(fate) stack \(name) in \(client.region); check on it with: \(command(name, client.region))"
            throw LeftBehind(cause: CancellationError(), leftovers: [line])
        }
    }

    /// Waits until the change has ended, and returns the stack.
    private func rested(_ name: String, since mark: String?) async throws -> CloudFormation.Stack {
        var mark = mark
        return try await client.wait(for: "stack \(name)", at: polling) {
            guard let stack = try await stack(name) else {
                throw Failure(.failed, "stack \(name) in \(client.region) was deleted by someone else")
            }
            mark = try await tellEvents(of: stack.stackId ?? name, since: mark)
            return StackState(status: stack.stackStatus) == .busy ? nil : stack
        }
    }

    /// Reports the events that are newer than `mark`, oldest first.
    /// - Returns: the id of the newest event.
    private func tellEvents(of id: String, since mark: String?) async throws -> String? {
        var news: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: id)) {
            if event.eventId == mark { break }
            news.append(event)
        }
        for event in news.reversed() { talk.tell(StackProgress(event)) }
        return news.first?.eventId ?? mark
    }

    /// The reasons why the last change of a stack failed, as lines to show.
    func reasons(of id: String) async throws -> [String] {
        var events: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: id)) {
            events.append(event)
        }
        return StackFailure(events)?.lines ?? ["AWS reports no failed resource"]
    }

    private func failure(of stack: CloudFormation.Stack, _ kind: StackPlan.Kind) async throws -> Failure {
        let reasons = try await reasons(of: stack.stackId ?? stack.stackName)
        let state = StackState(status: stack.stackStatus)
        var failure = Failure(
            .failed,
            "stack \(stack.stackName) in \(client.region) could not be \(kind.rawValue)d: "
                + stack.stackStatus, details: reasons)
        switch state {
        case .stillborn:
            let failed = FailedStack(
                name: stack.stackName, region: client.region, status: stack.stackStatus, reasons: reasons)
            let isUnwanted = try await orLeft("not deleted: the failed", stack.stackName, StackCommands.look) {
                try await talk.approveRemoval(failed)
            }
            if isUnwanted {
                try await remove(stack)
                failure.details.append("the failed stack was deleted")
            } else {
                failure.advice = "fix the cause and run the same command again; it deletes the failed stack first"
            }
        case .steady: failure.details.append("all changes were rolled back")
        default: failure.advice = StackCommands.unblock(stack.stackName, in: client.region, status: stack.stackStatus)
        }
        return failure
    }
}

/// Deleting stacks.
extension Stacks {
    /// Deletes a stack whose creation failed, after approval.
    /// - Throws: `Failure` with the reasons if the deletion is not approved.
    func offerRemoval(of stack: CloudFormation.Stack) async throws {
        let failed = FailedStack(
            name: stack.stackName, region: client.region, status: stack.stackStatus,
            reasons: try await reasons(of: stack.stackId ?? stack.stackName))
        guard try await talk.approveRemoval(failed) else {
            throw Failure(
                .failed,
                "an earlier attempt to create stack \(failed.name) in \(failed.region) failed: \(failed.status)",
                details: failed.reasons,
                advice: "run the command again and confirm the deletion (or pass --yes), or run: "
                    + StackCommands.remove(failed.name, in: failed.region))
        }
        try await remove(stack)
    }

    /// Disables termination protection, deletes the stack and waits until it is gone.
    func remove(_ stack: CloudFormation.Stack) async throws {
        talk.tell(.step("deleting stack \(stack.stackName)"))
        if stack.enableTerminationProtection == true {
            _ = try await client.call(
                CloudFormation.UpdateTerminationProtection(
                    stackName: stack.stackName, enableTerminationProtection: false))
        }
        try await delete(stack)
    }

    /// Deletes the stack and waits until it is gone.
    func delete(_ stack: CloudFormation.Stack) async throws {
        // The id, not the name, so that a later stack of the same name is not deleted.
        let id = stack.stackId ?? stack.stackName
        _ = try await client.call(CloudFormation.DeleteStack(stackName: id))
        try await orLeft("AWS is still deleting", stack.stackName, StackCommands.look) {
            try await gone(id, stack.stackName)
        }
    }

    private func gone(_ id: String, _ name: String) async throws {
        try await client.wait(for: "the deletion of stack \(name)", at: polling) {
            let status = try await self.stack(id)?.stackStatus
            guard StackState(status: status) != .absent else { return }
            guard status == "DELETE_FAILED" else { return nil }
            throw Failure(
                .failed, "stack \(name) in \(client.region) could not be deleted",
                details: try await reasons(of: id),
                advice: StackCommands.unblock(name, in: client.region, status: "DELETE_FAILED"))
        }
    }
}

/// What can be done with a stack, derived from its status.
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
package enum StackState: Sendable, Equatable {
    /// The stack does not exist.
    case absent
    /// Only a first change set was created and never executed: the stack is empty.
    case draft
    /// The stack can be updated.
    case steady
    /// A change is in progress.
    case busy
    /// The creation failed. The stack contains nothing useful and blocks its name until it is deleted.
    case stillborn
    /// The stack cannot be updated, and it may contain resources that are still needed.
    case stuck

    package init(status: String?) {
        self =
            switch status {
            case nil, "DELETE_COMPLETE": .absent
            case "REVIEW_IN_PROGRESS": .draft
            case "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED": .stillborn
            case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
                "IMPORT_ROLLBACK_COMPLETE":
                .steady
            case let status? where status.hasSuffix("_IN_PROGRESS"): .busy
            default: .stuck
            }
    }

    /// Whether the last change succeeded.
    static func isSuccess(_ status: String) -> Bool { ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(status) }
}
