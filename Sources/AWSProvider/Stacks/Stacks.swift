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
