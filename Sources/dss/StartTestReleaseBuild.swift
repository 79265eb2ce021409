import ArgumentParser
import Definition
import Releasing
import Sandbox

/// `dss start-test-release-build`
struct StartTestReleaseBuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-test-release-build",
        abstract: "Makes a draft release on GitHub and builds it on CodeBuild: a rehearsal.",
        discussion: """
            As 'dss start-release-build', for a draft that only those see who may write to the repository. AMIs stay \
            private, no container image is pushed, the download page is left as it is, and all is kept under an asset \
            id of its own, VERSION-test-NUMBER. The draft is removed again where the build cannot be started.

            The token is taken from GH_TOKEN or GITHUB_TOKEN and needs the permission Contents: write.

            Examples:
              dss start-test-release-build --branch feature/12 \\
                  --release-title "Test of 12"
              dss start-test-release-build --branch main --release-title Rehearsal \\
                  --no-wait
            """)

    @Option(help: ArgumentHelp("The title of the draft.", valueName: "text"))
    var releaseTitle: String

    @OptionGroup var build: ReleaseBuildOptions
    @OptionGroup var github: GitHubOptions

    func validate() throws {
        if releaseTitle.allSatisfy(\.isWhitespace) { throw ValidationError("The title of the draft is empty.") }
    }

    func run() async throws {
        let live = Live()
        let definition = try live.loaded(build.definition).definition.definition
        try await live.withReleaseProject(build) { desk in
            let started = try await live.withGitHub(github, definition) { client in
                try await start(client, definition.version, desk)
            }
            try await desk.follow(started)
        }
    }

    /// The draft stays where its build was started, however that ends: its notes are what is looked at.
    private func start(
        _ client: GitHubClient, _ version: String, _ desk: ReleaseBuildDesk
    ) async throws -> [StartedBuild] {
        try await undoingOnFailure { undo in
            let draft = try await client.createDraft(
                tag: "\(version)-test", branch: build.branch, title: releaseTitle)
            let path = "repos/\(client.repository)/releases/\(draft.id)"
            await undo.register("the draft \(draft.page)", remedy: "gh api -X DELETE \(path)") {
                try await client.delete(draft)
            }
            Terminal.standardError.write("draft release \(draft.page)\n")
            let id = try build.asset.assetID.map { try AssetID($0) } ?? AssetID("\(version)-test-\(draft.id)")
            return try await desk.start(id, release: draft.id, .rehearsal)
        }
    }
}
