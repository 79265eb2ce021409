import ArgumentParser
import Reporting
import Sandbox

/// `dss doctor`
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists every external tool, its version, and the package that brings it.",
        discussion: "Exits with 69 where one is missing.\n\nExample:\n  dss doctor")

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let live = Live()
        let tools = await withTaskGroup(of: (Int, ToolStatus).self) { group in
            for (index, tool) in Tool.all.enumerated() {
                group.addTask {
                    (index, await tool.status(live.runner, path: live.tool(tool.name, definition)))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        let terminal = Terminal.standardOutput
        terminal.write(Table.tools(tools).rendered(as: output.json ? .json : .text, terminal.style))
        if tools.contains(where: { $0.version == nil }) { throw ExitCode(Failure.Code.unavailable.rawValue) }
    }
}
