import LocalProvider
import Reporting
import Sandbox

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
            notes: plan.isFinished ? ["", "nothing to do: no input has changed since the last build"] : [])
    }
}

extension BuildPlan.Part {
    /// The first of the changes, for a person.
    func summary(of count: Int) -> String {
        let more = changes.count - count
        return (changes.prefix(count) + (more > 0 ? ["\(more) more changes"] : [])).joined(separator: ", ")
    }
}
