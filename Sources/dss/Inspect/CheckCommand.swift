import ArgumentParser
import LocalProvider
import Provisioning
import Reporting
import Sandbox

/// `dss check`
struct CheckCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the definition, pins and playbook without building",
        discussion: """
            Reads the definition, the pins, and every YAML file, template and notebook of the roles, and lets Ansible \
            load the play. Finds mistakes in the syntax, variables that are not defined, files of tasks that do not \
            exist, arguments that a module does not have, and packages of the modules apt and pip without a version. \
            Values with a template are known only when the playbook runs. Also shows what the next 'dss create-vm' \
            would build, and why, if this user can read the cache. Builds and writes nothing, and does not require \
            root.

            Exits with 65 if there are errors, and with 69 if Ansible is not installed.

            Examples:
              dss check
              dss check --definition mine/sandbox.yaml --json
            """)

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    @Flag(help: .json)
    var json = false

    func run(in live: Live) async throws {
        let result = try await live.check(definition, place)
        live.standardOutput.write(
            json ? result.json(in: live).pretty + "\n" : result.table.text(live.standardOutput.style))
        if !json { live.standardError.write(result.errors.map { live.shown($0) + "\n" }.joined()) }
        if !result.errors.isEmpty { throw ExitCode(Failure.Code.badData.rawValue) }
        if let failure = result.failures.first {
            if json { throw ExitCode(Failure(explaining: failure).code.rawValue) }
            throw failure
        }
    }
}

extension Live {
    /// A line with the paths in the current directory, and the commands, as a person would write them.
    func shown(_ line: String) -> String { invocation.spelled(line.replacing("\(currentDirectory)/", with: "")) }
}

extension SandboxCheck {
    /// A line for everything that was looked at, and what a build would do.
    var table: Table {
        var rows: [[Table.Cell]] = parts.map { part in
            let errors = part.errors.count
            return [
                Table.Cell(part.name), Table.Cell("\(part.count)"),
                errors == 0
                    ? Table.Cell("ok") : Table.Cell("\(errors) \(errors == 1 ? "error" : "errors")", ink: .red),
            ]
        }
        if let plan { rows.append(["next build", "", Table.Cell(plan.sentence)]) }
        return Table([.init("checked"), .init("count", .right), .init("result", fit: .wraps)], rows: rows)
    }

    func json(in live: Live) -> JSONValue {
        .object([
            (
                "checks",
                .array(
                    parts.map {
                        .object([
                            ("name", .string($0.name)), ("count", .integer(Int64($0.count))),
                            ("errors", .array($0.errors.map { .string(live.shown($0)) })),
                        ])
                    })
            ),
            (
                "unchecked",
                .array(failures.map { .string(Failure(explaining: $0).message) })
            ),
            ("plan", plan.map(live.json(of:)) ?? .null),
        ])
    }
}

extension BuildPlan {
    /// Where the next build starts, and why.
    fileprivate var sentence: String {
        if isFinished { return "nothing to do" }
        if let obstacle { return "refused: \(obstacle.message)" }
        if isIncomplete { return "unknown: only root can read the cache" }
        guard let first = parts.first(where: { $0.state == .build && !$0.name.isEmpty }) else {
            return "starts from the cached installation"
        }
        let reason = first.changes.isEmpty ? "not in the cache" : first.summary(of: 3)
        return "starts with \(first.name): \(reason)"
    }
}
