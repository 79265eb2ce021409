import Provisioning
import Reporting

extension Table {
    /// What `dss pins check` shows: what is gone or outdated, and everything with `--verbose`.
    static func pins(_ statuses: [PinStatus], all: Bool) -> Table {
        let shown = statuses.filter { all || $0.state != .current }
        let gone = statuses.filter { $0.state == .gone }.count
        return Table(
            [
                Column("source"), Column("environment", key: "group"), Column("package", key: "name"),
                Column("pinned", fit: .wraps), Column("available", fit: .wraps), Column("state"),
            ],
            rows: shown.map { status in
                [
                    Cell(status.source.rawValue), Cell(status.group ?? ""), Cell(status.name), Cell(status.pinned),
                    Cell(status.available ?? ""), Cell(status.state.rawValue, ink: status.state == .gone ? .red : nil),
                ]
            },
            empty: "all \(statuses.count) pinned versions are current",
            notes: gone > 0 ? ["", "renew them with: dss pins update"] : [])
    }
}
