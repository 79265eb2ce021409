import AWSProvider
import Reporting
import Sandbox

/// Where a deployment is shown and approved: the plan, the question, what happens, and the result.
struct StackDesk: Sendable {
    let options: StackOptions
    private let side = Terminal.standardError
    private let main = Terminal.standardOutput

    init(_ options: StackOptions) {
        self.options = options
    }

    var talk: StackTalk {
        StackTalk(approve: approve, approveRemoval: approveRemoval, tell: tell)
    }

    private func approve(_ plan: StackPlan) async throws -> Bool {
        if options.plan { return false }
        side.write(plan.text(side.style))
        if options.yes { return true }
        guard Question.canBeAsked else {
            throw Failure(
                .usage, "nothing was changed: there is no terminal to ask on", advice: "add --yes to do this unasked")
        }
        guard try await Question.isAnsweredYes("Execute this?") else { throw Failure(.usage, "nothing was changed") }
        return true
    }

    private func approveRemoval(_ failed: FailedStack) async throws -> Bool {
        guard !options.plan else { return false }
        side.write(failed.text(side.style))
        if options.yes { return true }
        guard Question.canBeAsked else { return false }
        return try await Question.isAnsweredYes("Remove it?")
    }

    private func tell(_ news: StackNews) {
        side.write(news.line(side.style))
    }

    /// The result, on standard output.
    func show(_ deployment: Deployment) {
        main.write(options.json ? deployment.json.pretty + "\n" : deployment.text(main.style))
    }
}
