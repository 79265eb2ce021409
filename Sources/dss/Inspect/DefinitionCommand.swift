import ArgumentParser
import Definition

/// `dss definition`
struct DefinitionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "definition",
        abstract: "Prints the effective definition of the sandbox.",
        discussion: """
            Flags come before environment variables, those before the file, the file before defaults. The \
            environment variable of a key is its path in capitals: disk.size is DSS_DISK_SIZE.

            Examples:
              dss definition
              dss definition --set disk.size=12GiB --origins
              DSS_FORMATS=ova dss definition --json
            """)

    @OptionGroup var definition: DefinitionOptions

    @Flag(help: "Prints JSON.")
    var json = false

    @Flag(help: "Says behind each value where it comes from.")
    var origins = false

    func run() throws {
        let effective = try Live().source(definition).loadDefinition()
        Terminal.standardOutput.write(json ? effective.json() : effective.yaml(withOrigins: origins))
    }
}
