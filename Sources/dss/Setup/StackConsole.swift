import AWSProvider
import Reporting
import Sandbox

/// The terminal side of a deployment: shows the plan, asks for confirmation, reports progress and the result.
struct DeploymentConsole: Sendable {
    let options: StackOptions
    let live: Live
    private var side: Terminal { live.standardError }
    private var main: Terminal { live.standardOutput }

    var talk: DeploymentCallbacks {
        DeploymentCallbacks(approve: approve, approveRemoval: approveRemoval, tell: tell)
    }

    private func approve(_ plan: StackPlan) async throws -> Bool {
        if options.plan { return false }
        side.write(plan.text(side.style))
        if !options.yes { try await live.confirm("Execute these changes?", orElse: "nothing was changed") }
        return true
    }

    private func approveRemoval(_ failed: FailedStack) async throws -> Bool {
        guard !options.plan else { return false }
        side.write(failed.text(side.style))
        if options.yes { return true }
        guard live.keyboard.isTerminal else { return false }
        return try await live.isAnsweredYes("Remove the failed stack?")
    }

    private func tell(_ news: StackProgress) {
        side.write(news.line(side.style))
    }

    /// Prints the result to standard output.
    func show(_ deployment: Deployment) {
        main.write(options.json ? deployment.json.pretty + "\n" : deployment.text(main.style))
    }
}

/// Text and JSON of stack plans, events and results.
extension StackPlan {
    func text(_ style: Style) -> String {
        let doing = kind == .create ? "new stack" : "changes to stack"
        let heading = "\(doing) \(stack) in \(region)\n\n"
        return heading + changeTable.text(style) + (settings.isEmpty ? "" : "\n" + settingTable.text(style)) + "\n"
    }

    private var changeTable: Table {
        let counts = PlannedChange.Action.allCases.compactMap { action in
            let count = changes.count { $0.action == action }
            return count == 0 ? nil : "\(count) \(action.noun)"
        }
        return Table(
            [.init("action"), .init("resource"), .init("type"), .init("what", fit: .wraps)],
            rows: changes.map { change in
                [
                    .init(change.action.rawValue, ink: change.action.ink), .init(change.resource),
                    .init(change.type.replacing("AWS::", with: "")), .init(change.properties.joined(separator: ", ")),
                ]
            }, empty: "no resource changes, only settings or tags of the stack",
            notes: counts.isEmpty ? [] : [counts.joined(separator: ", ")])
    }

    private var settingTable: Table {
        let columns: [Table.Column] = [.init("setting"), .init("now", fit: .wraps), .init("then", fit: .wraps)]
        return Table(
            columns,
            rows: settings.map { [.init($0.name), .init(shown($0.before ?? "-")), .init(shown($0.after))] })
    }

    private func shown(_ value: String) -> String {
        value.isEmpty ? "(empty)" : value.replacing(",", with: ", ")
    }

    var json: JSONValue {
        .object([
            ("kind", .string(kind.rawValue)),
            (
                "changes",
                .array(
                    changes.map { change in
                        .object([
                            ("action", .string(change.action.rawValue)), ("resource", .string(change.resource)),
                            ("type", .string(change.type)), ("id", .text(change.id)),
                            ("properties", .array(change.properties.map { .string($0) })),
                        ])
                    })
            ),
            (
                "settings",
                .array(
                    settings.map { setting in
                        .object([
                            ("name", .string(setting.name)), ("before", .text(setting.before)),
                            ("after", .string(setting.after)),
                        ])
                    })
            ),
        ])
    }
}

extension PlannedChange.Action {
    fileprivate var ink: TextStyle? {
        switch self {
        case .add: .green
        case .change, .other: nil
        case .mayReplace: .yellow
        case .replace, .remove: .red
        }
    }

    fileprivate var noun: String {
        switch self {
        case .add: "to add"
        case .change: "to change"
        case .replace: "to replace"
        case .mayReplace: "that may be replaced"
        case .remove: "to remove"
        case .other: "that AWS decides on"
        }
    }
}

extension StackProgress {
    func line(_ style: Style) -> String {
        switch self {
        case .step(let text): return "\(text)\n"
        case .event(let resource, let type, let status, let reason):
            let ink: TextStyle? = status.hasSuffix("_FAILED") ? .red : status.hasSuffix("_COMPLETE") ? .green : .dim
            let name = type == "AWS::CloudFormation::Stack" ? "the stack itself" : resource
            let gap = String(repeating: " ", count: max(1, 20 - status.count))
            return "  \(style.paint(status, ink))\(gap)\(name)" + (reason.map { ": \($0)" } ?? "") + "\n"
        }
    }
}

extension FailedStack {
    func text(_ style: Style) -> String {
        let heading = "creation of stack \(name) in \(region) failed; its status is \(status)"
        return Message.warning(([heading] + reasons).joined(separator: "\n"), style)
    }
}

extension Deployment {
    func text(_ style: Style) -> String {
        switch outcome {
        case .planned: return plan?.text(style) ?? ""
        case .unchanged: return "stack \(stack) in \(region) is up to date\n" + facts.text(style)
        case .created, .updated: return "stack \(stack) in \(region) is \(outcome.rawValue)\n" + facts.text(style)
        }
    }

    private var facts: FactSheet {
        FactSheet(outputs.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })
    }

    var json: JSONValue {
        .object([
            ("stack", .string(stack)), ("region", .string(region)), ("outcome", .string(outcome.rawValue)),
            ("outputs", .object(outputs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            ("plan", plan?.json ?? .null),
        ])
    }
}
