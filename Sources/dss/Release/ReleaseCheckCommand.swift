import ArgumentParser
import Definition
import Releasing
import Sandbox
import Workbench

/// `dss release`
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Looks whether a release is in order.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares the version in the definition, the changelog and the tag.",
            discussion: """
                Names all that is wrong at once, with file and line, and exits with 65 then. The changelog is \
                docs/changes/changes_VERSION.md, else CHANGELOG.md, beside the definition.

                Examples:
                  dss release check
                  dss release check --tag 0.1.0
                  dss release check --untagged
                """)

        @Option(help: ArgumentHelp("The tag of the release, instead of those of the commit.", valueName: "name"))
        var tag: String?

        @Flag(help: "Looks at no tag: before it is made.")
        var untagged = false

        @OptionGroup var definition: DefinitionOptions

        func validate() throws {
            if tag != nil, untagged { throw ValidationError("--tag and --untagged exclude each other.") }
        }

        func run() async throws {
            let live = Live()
            let loaded = try live.loaded(definition).definition
            let version = loaded.definition.version
            let folder = parentDirectory(definition.file)
            let check = ReleaseCheck(
                version: version, place: loaded.origin("version").origin,
                changelog: try Changelog.read(for: version, in: folder), tags: try await tags(in: folder, live.runner))
            try check.run()
            let said = untagged ? "definition and changelog" : "definition, changelog and tag"
            Terminal.standardOutput.write("\(version): \(said) agree\n")
        }

        private func tags(in folder: String, _ runner: any CommandRunner) async throws -> [String]? {
            if untagged { return nil }
            if let tag { return [tag] }
            return try await GitTags.read(in: folder.isEmpty ? "." : folder, runner)
        }
    }
}
