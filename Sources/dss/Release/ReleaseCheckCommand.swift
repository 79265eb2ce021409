import ArgumentParser
import Definition
import Releasing
import Sandbox
import Workbench

/// `dss release`
struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Check a release", subcommands: [Check.self])

    struct Check: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that definition, changelog and tag have the same version",
            discussion: """
                Reports all problems at once, with file and line, and exits with 65 if there are any. The changelog \
                is docs/changes/changes_VERSION.md, else CHANGELOG.md, in the directory of the definition.

                Examples:
                  dss release check
                  dss release check --tag 0.1.0
                  dss release check --untagged
                """)

        @Option(
            help: ArgumentHelp("Release tag to check, instead of the tags of the current commit", valueName: "name"))
        var tag: String?

        @Flag(help: "Do not check the tag, for use before it is created")
        var untagged = false

        @OptionGroup var definition: DefinitionOptions

        func validate() throws {
            if tag != nil, untagged { throw ValidationError("--tag and --untagged cannot be used together") }
        }

        func run(in live: Live) async throws {
            let loaded = try live.loaded(definition).definition
            let version = loaded.definition.version
            let folder = parentDirectory(definition.file)
            let check = ReleaseCheck(
                version: version, place: loaded.origin("version").origin,
                changelog: try Changelog.read(for: version, in: folder), tags: try await tags(in: folder, live.runner))
            try check.run()
            let said = untagged ? "definition and changelog" : "definition, changelog and tag"
            live.standardOutput.write("\(version): \(said) agree\n")
        }

        private func tags(in folder: String, _ runner: any CommandRunner) async throws -> [String]? {
            if untagged { return nil }
            if let tag { return [tag] }
            return try await GitTags.read(in: folder.isEmpty ? "." : folder, runner)
        }
    }
}
