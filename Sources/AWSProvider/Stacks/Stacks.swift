import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// The stacks of one region, changed by change sets that are shown before they change anything.
package struct Stacks: Sendable {
    let client: AWSClient
    let talk: StackTalk
    let pace: Pace

    package init(_ client: AWSClient, _ talk: StackTalk, pace: Pace = .init(limit: .seconds(2 * 3600))) {
        self.client = client
        self.talk = talk
        self.pace = pace
    }

    /// Makes or changes a stack.
    /// - Throws: `Failure` where AWS cannot do it, with the resource and its reason; `LeftBehind` where something is
    ///   left of what was begun.
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

    /// A stack by its name or id; `nil` where it is not there.
    package func stack(_ name: String) async throws -> CloudFormation.Stack? {
        do {
            return try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
        } catch let error as AWSError where error.code == "ValidationError" {
            // The name is well-formed: that there is no such stack is all that can be wrong with it.
            return nil
        }
    }

    /// The stack if it can be changed, `nil` if it is to be made; one whose creation failed is removed on request.
    private func readied(_ name: String) async throws -> CloudFormation.Stack? {
        let stack = try await stack(name)
        switch StackState(status: stack?.stackStatus) {
        case .absent, .draft: return nil
        case .steady: return stack
        case .busy:
            throw Failure(
                .temporary, "stack \(name) is being changed at this moment: \(stack?.stackStatus ?? "")",
                advice: "wait until that is over, then run the same command again")
        case .stillborn:
            guard let stack else { return nil }
            try await offerRemoval(of: stack)
            return nil
        case .stuck:
            let status = stack?.stackStatus ?? ""
            throw Failure(
                .failed, "stack \(name) in \(client.region) cannot be changed: it is in \(status)",
                details: try await reasons(of: name),
                advice: StackAdvice.unblock(name, in: client.region, status: status))
        }
    }

    /// What the stack is in the end, protected where that was ordered.
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

/// A change under way, and what is to be said when it fails.
extension Stacks {
    /// The id of the newest event: what comes after it belongs to the next change.
    func newestEvent(of name: String) async throws -> String? {
        try await client.call(CloudFormation.DescribeStackEvents(stackName: name)).stackEvents.first?.eventId
    }

    /// Waits until the stack is as it was ordered, telling what happens.
    /// - Throws: `Failure` where it was rolled back; `LeftBehind` where the wait was cancelled: AWS goes on then.
    func follow(_ name: String, _ kind: StackPlan.Kind, since mark: String?) async throws {
        let doing = kind == .create ? "creating" : "updating"
        talk.tell(.step("\(doing) stack \(name)"))
        let stack = try await orLeft("AWS goes on \(doing)", name, StackAdvice.look) {
            try await rested(name, since: mark)
        }
        guard !StackState.isSuccess(stack.stackStatus) else { return }
        throw try await failure(of: stack, kind)
    }

    /// What is thrown when `body` is cancelled says what becomes of the stack.
    /// - Parameter command: what to do by hand, given the stack's name and region.
    func orLeft<Result>(
        _ fate: String, _ name: String, _ command: (String, String) -> String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do { return try await body() } catch is CancellationError {
            let line = "\(fate) stack \(name) in \(client.region); look at it with: \(command(name, client.region))"
            throw LeftBehind(cause: CancellationError(), leftovers: [line])
        }
    }

    /// The stack when nothing happens to it any more.
    private func rested(_ name: String, since mark: String?) async throws -> CloudFormation.Stack {
        var mark = mark
        return try await client.wait(for: "stack \(name)", at: pace) {
            guard let stack = try await stack(name) else {
                throw Failure(.failed, "stack \(name) in \(client.region) was removed by somebody else meanwhile")
            }
            mark = try await tellEvents(of: stack.stackId ?? name, since: mark)
            return StackState(status: stack.stackStatus) == .busy ? nil : stack
        }
    }

    /// Tells the events that are newer than `mark`, the oldest first.
    /// - Returns: the newest.
    private func tellEvents(of id: String, since mark: String?) async throws -> String? {
        var news: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: id)) {
            if event.eventId == mark { break }
            news.append(event)
        }
        for event in news.reversed() { talk.tell(StackNews(event)) }
        return news.first?.eventId ?? mark
    }

    /// Why the last change of a stack failed, as lines for people.
    func reasons(of id: String) async throws -> [String] {
        var events: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: id)) {
            events.append(event)
        }
        return StackTrouble(events)?.lines ?? ["AWS names no resource that failed"]
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
            let isUnwanted = try await orLeft("nobody removed the failed", stack.stackName, StackAdvice.look) {
                try await talk.approveRemoval(failed)
            }
            if isUnwanted {
                try await remove(stack)
                failure.details.append("the stack was removed again")
            } else {
                failure.advice = "mend it and run the same command again: it removes the failed stack first"
            }
        case .steady: failure.details.append("everything is as it was before")
        default: failure.advice = StackAdvice.unblock(stack.stackName, in: client.region, status: stack.stackStatus)
        }
        return failure
    }
}

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

/// What can be done with a stack, by its status.
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
package enum StackState: Sendable, Equatable {
    /// It is not there.
    case absent
    /// A first change set was made and never executed: there is nothing in it.
    case draft
    /// It can be changed.
    case steady
    /// Somebody is changing it at this moment.
    case busy
    /// Its creation failed. It holds nothing of use and blocks its name until it is removed.
    case stillborn
    /// It can neither be changed nor be thrown away without a second thought.
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

    /// The change came to a good end: what was ordered is there.
    static func isSuccess(_ status: String) -> Bool { ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(status) }
}
