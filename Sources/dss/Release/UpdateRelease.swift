import AWSProvider
import ArgumentParser
import Definition
import LocalProvider
import Releasing
import Reporting
import Sandbox
import Workbench

/// `dss update-release`
struct UpdateRelease: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "update-release",
        abstract: "Update the notes of a GitHub release with changes, downloads, AMIs and instructions",
        discussion: """
            Describes the files in the S3 bucket and the AMIs in EC2 that have the asset id, and how to start them. \
            Replaces only the part of the notes between the markers <!-- dss:begin --> and <!-- dss:end -->. Changes \
            nothing if the notes are up to date.

            Reads the GitHub token from GH_TOKEN or GITHUB_TOKEN; it needs the permission Contents: write.

            Examples:
              dss update-release --release-id 123456789 --asset-id 0.1.0
              dss update-release --release-id 123456789 --asset-id 0.1.0 \\
                  --region eu-central-1 us-east-1
              dss update-release --release-id 7 --asset-id 0.1.0 \\
                  --repository example/sandbox --dry-run
            """)

    @Option(
        name: .customLong("release-id"),
        help: ArgumentHelp("Id of the release in the GitHub API", valueName: "number"))
    var releaseID: Int

    @Option(
        name: .customLong("docker-image"),
        help: ArgumentHelp(
            "Container image, or 'none' (default: the one recorded on AWS, else the repository's)", valueName: "name")
    )
    var dockerImage: String?

    @Flag(name: .customLong("dry-run"), help: "Print the notes without changing the release")
    var dryRun = false

    @Flag(help: .json)
    var json = false

    @OptionGroup var asset: AssetOptions
    @OptionGroup var github: GitHubOptions
    @OptionGroup var options: AWSAssetOptions

    func run(in live: Live) async throws {
        let definition = try live.loaded(options.definition).definition.definition
        let id = try asset.assetID(in: definition)
        try await live.withGitHub(github, definition) { client in
            let notes = try await notes(live, definition, id)
            let update = ReleaseNotesUpdate(client, release: releaseID)
            if dryRun { return try await show(update.preview(notes), live) }
            try await show(update.run(notes), live)
        }
    }

    private func notes(_ live: Live, _ definition: SandboxDefinition, _ id: AssetID) async throws -> ReleaseNotes {
        try await live.withPublishedBuilds(options) { builds, _ in
            let (release, container) = try await builds.release(of: id)
            let usual = "\(definition.github.repository.lowercased()):\(release.version)"
            let image = dockerImage ?? container?.reference ?? usual
            return try ReleaseNotes(
                release, changelogIn: parentDirectory(options.definition.file),
                containerImage: image == "none" ? nil : image)
        }
    }

    private func show(_ body: String?, _ live: Live) {
        if body == nil { live.warn("the release notes are already up to date") }
        live.standardOutput.write(body.map { $0 + "\n" } ?? "")
    }

    private func show(_ outcome: ReleaseNotesUpdate.Outcome, _ live: Live) {
        let facts = FactSheet([
            .init("release", key: "release_id", outcome.release.page, .count(outcome.release.id)),
            .json("url", .string(outcome.release.page)),
            .init("notes", key: "changed", outcome.isChanged ? "updated" : "unchanged", .bool(outcome.isChanged)),
        ])
        live.show(facts, json: json)
    }
}
