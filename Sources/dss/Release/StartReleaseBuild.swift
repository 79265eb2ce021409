import ArgumentParser
import Definition
import Releasing
import Sandbox

/// `dss start-release-build`
struct StartReleaseBuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-release-build",
        abstract: "Builds a release on CodeBuild, and follows the build.",
        discussion: """
            Starts the project of 'dss setup-release-codebuild' for a release that is on GitHub already, and tells \
            phases and log lines as they come, on standard error. The password is given to the build by the name of \
            its secret alone. AMIs become public.

            Exit codes: 0 the build succeeded, 1 it failed, 69 CodeBuild itself had trouble, 75 it timed out, 130 it \
            was stopped. Ctrl-C asks whether the build is to be stopped; without a terminal the build goes on, and \
            the command that stops it is told.

            --matrix starts one build for the definition and one for each of its variants; the asset id of a variant \
            has its name behind. 0 only where all of them have succeeded.

            Examples:
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main
              dss start-release-build --upload-url "$UPLOAD_URL" --branch 0.1.0 --no-wait
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main --private \\
                  --json
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main --matrix
            """)

    @Option(
        name: .customLong("upload-url"),
        help: ArgumentHelp("Where files are added to the release, as GitHub tells it.", valueName: "url"))
    var uploadURL: String

    @Flag(help: "Builds the definition and each of its variants, side by side.")
    var matrix = false

    @Flag(name: .customLong("private"), help: "Keeps the AMIs private.")
    var isPrivate = false

    @OptionGroup var build: ReleaseBuildOptions

    func run() async throws {
        let live = Live()
        let definition = try live.loaded(build.definition).definition.definition
        let url = try UploadURL(uploadURL)
        try url.check(isOf: try GitHubRepository(definition.github.repository))
        let id = try build.asset.assetID(in: definition)
        let variants = matrix ? try live.variants(build.definition) : []
        try await live.withReleaseProject(build) { desk in
            let started = try await desk.start(
                id, release: url.releaseID, isPrivate ? .withPrivateImages : .full, variants: variants)
            try await desk.follow(started)
        }
    }
}

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
