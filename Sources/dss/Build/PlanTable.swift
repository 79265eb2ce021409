import LocalProvider
import Reporting
import Sandbox

extension Live {
    /// Shows what a build would do.
    /// - Throws: the refusal with which the build would end.
    func show(_ plan: BuildPlan, json isJSON: Bool) throws {
        // One document: the plan, or the failure.
        if !isJSON {
            show(.plan(plan), as: .text)
        } else if plan.obstacle == nil {
            standardOutput.write(json(of: plan).pretty + "\n")
        }
        if let obstacle = plan.obstacle { throw obstacle }
    }

    /// What the table of a plan shows, and the lines below it.
    func json(of plan: BuildPlan) -> JSONValue {
        .object([
            ("parts", Table.plan(plan).json), ("notes", .array(plan.remarks.map { .string(invocation.spelled($0)) })),
            ("refused", .text(plan.obstacle.map { invocation.spelled($0.message) })),
        ])
    }
}

extension Table {
    /// The table of `--plan`: every stage and step, whether it is cached, and what has changed since.
    static func plan(_ plan: BuildPlan) -> Table {
        Table(
            [
                Column("stage"), Column("part", fit: .wraps), Column("state"),
                Column("last time", key: "seconds", .right), Column("changes", fit: .wraps),
            ],
            rows: plan.parts.map { part in
                [
                    Cell(part.stage.rawValue), Cell(part.name),
                    Cell(part.state.rawValue, ink: part.state == .build ? .bold : nil),
                    part.seconds.map { Cell(Units.time($0), .seconds($0)) } ?? Cell("", .null),
                    Cell(part.summary(of: 3), .array(part.changes.map { .string($0) })),
                ]
            },
            notes: plan.remarks.isEmpty ? [] : [""] + plan.remarks)
    }
}

extension BuildPlan {
    /// The lines below the table: what the changes are measured by, and what else a person has to know.
    fileprivate var remarks: [String] {
        if isFinished { return ["nothing to do: no input has changed since the last build"] }
        if isIncomplete { return ["only root can read the cache: run the same command with sudo"] + notes }
        let compared = Set(parts.filter { !$0.changes.isEmpty }.compactMap(\.comparedWith)).sorted()
        return
            (compared.isEmpty
            ? [] : ["the changes are those since the last build of \(compared.joined(separator: ", ")) on this host"])
            + notes
    }
}

extension BuildPlan.Part {
    /// The first of the changes, for a person.
    func summary(of count: Int) -> String {
        let more = changes.count - count
        return (changes.prefix(count) + (more > 0 ? ["\(more) more changes"] : [])).joined(separator: ", ")
    }
}
