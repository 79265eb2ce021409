import AWSServices
import Reporting
import Sandbox

/// What has become of the builds of a release, for people and programs.
package struct BuildResults: Sendable {
    package var releaseID: Int
    package var builds: [EndedBuild]

    package init(releaseID: Int, builds: [EndedBuild]) {
        self.releaseID = releaseID
        self.builds = builds
    }

    package func text(_ style: Style) -> String {
        let isMatrix = builds.contains { $0.started.build.label != nil }
        let rows: [[Table.Cell]] = builds.map { one in
            (isMatrix ? [Table.Cell(one.started.build.label ?? "-")] : []) + [
                .init(one.started.build.assetID.rawValue),
                .init(one.outcome.words, ink: one.outcome == .succeeded ? .green : .red),
                .init(one.seconds.map(Units.time) ?? "-"),
            ]
        }
        let columns: [Table.Column] =
            (isMatrix ? [.init("variant")] : []) + [.init("asset id"), .init("result"), .init("time", .right)]
        // Ids are too long for a column, and useless in parts.
        let ids = builds.map { one in (one.started.build.label.map { "\($0): " } ?? "") + one.started.id }
        return Table(columns, rows: rows, notes: [""] + ids).text(style)
    }

    package var json: JSONValue {
        .object([
            ("release_id", .count(releaseID)), ("outcome", .string(builds.outcome.rawValue)),
            (
                "builds",
                .array(
                    builds.map { one in
                        .object(
                            Self.members(one.started) + [
                                ("outcome", .string(one.outcome.rawValue)),
                                ("seconds", one.seconds.map { .seconds($0) } ?? .null), ("log", .text(one.log)),
                                ("reasons", .array(one.reasons.map { .string($0) })),
                            ])
                    })
            ),
        ])
    }

    /// What is known right after the start.
    package static func json(releaseID: Int, _ started: [StartedBuild]) -> JSONValue {
        .object([
            ("release_id", .count(releaseID)), ("outcome", .null),
            ("builds", .array(started.map { .object(members($0)) })),
        ])
    }

    private static func members(_ one: StartedBuild) -> [(String, JSONValue)] {
        [
            ("variant", .text(one.build.variant)), ("asset_id", .string(one.build.assetID.rawValue)),
            ("id", .string(one.id)), ("region", .string(one.region)),
        ]
    }

    /// `nil` where all succeeded.
    package var failure: Failure? {
        guard let code = builds.outcome.code else { return nil }
        let bad = builds.filter { $0.outcome != .succeeded }
        let details = bad.flatMap { one -> [String] in
            let name = one.started.build.label.map { "\($0): " } ?? ""
            return ["\(name)\(one.started.id)"] + one.reasons + one.lastLines.map { "| \($0.printableLine)" }
        }
        let message =
            builds.count == 1
            ? "the build \(bad[0].outcome.words)"
            : "\(bad.count) of \(builds.count) builds did not succeed"
        return Failure(code, message, details: details, advice: bad.first?.log.map { "the whole log: \($0)" })
    }
}
