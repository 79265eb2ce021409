import AWSProvider
import ArgumentParser
import Definition
import Releasing
import Sandbox

/// `dss start-release-build`
struct StartReleaseBuild: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-release-build",
        abstract: "Build a release on CodeBuild and follow the build",
        discussion: """
            Starts a build of the project deployed by 'dss setup-release-codebuild', for an existing GitHub release, \
            and prints its phases and log lines to standard error as they arrive. Only the name of the password's \
            secret is passed to the build. Makes the AMIs public, unless --private is given.

            Exit codes: 0 the build succeeded, 1 the build failed, 69 CodeBuild reported a fault, 75 the build timed \
            out, 130 the build was stopped. Ctrl-C asks whether to stop the build; without a terminal, the build \
            continues and the command that stops it is printed.

            --matrix starts one build for the definition and one for each of its variants. The name of the variant is \
            appended to its asset id. Exits with 0 only if all builds succeed.

            Examples:
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main
              dss start-release-build --upload-url "$UPLOAD_URL" --branch 0.1.0 --no-wait
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main --private \\
                  --json
              dss start-release-build --upload-url "$UPLOAD_URL" --branch main --matrix
            """)

    @Option(
        name: .customLong("upload-url"),
        help: ArgumentHelp("upload_url of the GitHub release", valueName: "url"))
    var uploadURL: String

    @Flag(help: "Build the definition and all its variants in parallel")
    var matrix = false

    @Flag(name: .customLong("private"), help: "Keep the AMIs private")
    var isPrivate = false

    @OptionGroup var build: ReleaseBuildOptions

    func run(in live: Live) async throws {
        let definition = try live.loaded(build.definition).definition.definition
        let url = try UploadURL(uploadURL)
        try url.check(isOf: try GitHubRepository(definition.github.repository))
        let id = try build.asset.assetID(in: definition)
        let variants = (matrix ? try live.variants(build.definition) : []).map { variant in
            let settings = variant.settings.map { ($0.environmentVariable, $0.value) }
            return (name: variant.name, settings: Dictionary(settings) { $1 })
        }
        try await live.build(build) { builds, project in
            let plain = ReleaseBuild(
                assetID: id, releaseID: url.releaseID, branch: build.branch,
                passwordSecret: build.passwordSecret ?? project.passwordSecret,
                publicity: isPrivate ? .withPrivateImages : .full)
            return try await builds.start(plain.with(variants), in: project.name)
        }
    }
}

/// `dss start-test-release-build`
struct StartTestReleaseBuild: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-test-release-build",
        abstract: "Rehearse a release: create a draft release on GitHub and build it on CodeBuild",
        discussion: """
            Works like 'dss start-release-build', but for a draft release, which is visible only to users with write \
            access to the repository. AMIs stay private, no container image is pushed, and the download page is not \
            changed. The build gets its own asset id, VERSION-test-NUMBER. If the build cannot be started, the draft \
            is deleted.

            Reads the GitHub token from GH_TOKEN or GITHUB_TOKEN; it needs the permission Contents: write.

            Examples:
              dss start-test-release-build --branch feature/12 \\
                  --release-title "Test of 12"
              dss start-test-release-build --branch main --release-title Rehearsal \\
                  --no-wait
            """)

    @Option(help: ArgumentHelp("Title of the draft release", valueName: "text"))
    var releaseTitle: String

    @OptionGroup var build: ReleaseBuildOptions
    @OptionGroup var github: GitHubOptions

    func validate() throws {
        if releaseTitle.allSatisfy(\.isWhitespace) { throw ValidationError("--release-title must not be empty") }
    }

    func run(in live: Live) async throws {
        let definition = try live.loaded(build.definition).definition.definition
        try await live.build(build) { builds, project in
            try await live.withGitHub(github, definition) { client in
                let rehearsal = Rehearsal(
                    of: definition.version, title: releaseTitle, branch: build.branch,
                    assetID: try build.asset.assetID.map { try AssetID($0) })
                return try await rehearsal.start(
                    builds, in: project.name, passwordSecret: build.passwordSecret ?? project.passwordSecret,
                    on: client
                ) { live.standardError.write("\($0)\n") }
            }
        }
    }
}
