import AWSCore
import AWSServices
import Sandbox

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
