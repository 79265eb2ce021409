import ArgumentParser

/// What both projects on CodeBuild have.
struct CodeBuildOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The repository on GitHub: https://HOST/OWNER/NAME.", valueName: "url"))
    var repositoryURL: String?

    @Option(
        help: ArgumentHelp(
            "The connection to GitHub, or none where CodeBuild has a credential imported.", valueName: "arn"))
    var connection: String?

    @Option(help: ArgumentHelp("The image that builds run in: Debian or Ubuntu with Swift.", valueName: "name"))
    var image: String?

    @Option(help: ArgumentHelp("The size of the machine: medium, large, xlarge or 2xlarge.", valueName: "size"))
    var computeType: String?

    @Option(help: ArgumentHelp("Days after which log lines are removed.", valueName: "days"))
    var logRetentionDays: String?
}
