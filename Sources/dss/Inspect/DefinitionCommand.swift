import ArgumentParser
import Definition
import Workbench

/// `dss definition`
struct DefinitionCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "definition",
        abstract: "Print the effective definition of the sandbox",
        discussion: """
            Command-line options override environment variables, environment variables override the definition \
            file, and the file overrides defaults. The environment variable for a key is its path in upper case: \
            disk.size is DSS_DISK_SIZE.

            Examples:
              dss definition
              dss definition --set disk.size=12GiB --origins
              DSS_FORMATS=ova dss definition --json
              dss definition --reference
            """)

    @OptionGroup var definition: DefinitionOptions

    @Flag(help: .json)
    var json = false

    @Flag(help: "Show the origin of each value")
    var origins = false

    @Flag(help: "Describe every key of the definition, as Markdown")
    var reference = false

    func run(in live: Live) async throws {
        if reference { return live.standardOutput.write(DefinitionReference.markdown) }
        let effective = try live.source(definition).loadDefinition()
        let text = json ? effective.json() : effective.yaml(withOrigins: origins)
        live.standardOutput.write(text.withoutCredentials)
    }
}
