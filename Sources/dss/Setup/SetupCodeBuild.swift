import AWSProvider
import ArgumentParser

/// `dss setup-ci-codebuild`
struct SetupCICodeBuild: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ci-codebuild",
        abstract: "Deploy the CodeBuild project for system tests, once per account",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD: a CodeBuild project with its role and log group. \
            The project runs aws-code-build/ci/buildspec.yaml for every push to a branch other than main whose commit \
            message contains [CodeBuild].

            CodeBuild must already have access to the repository, through a connection (--connection) or a token \
            imported once with 'aws codebuild import-source-credentials'. The tests start EC2 instances, which incur \
            costs.

            Shows the changes and asks for confirmation before making them. Options that are not given keep their \
            current values. If there is nothing to change, the command reports that and succeeds.

            Examples:
              dss setup-ci-codebuild --aws-profile admin --region eu-central-1
              dss setup-ci-codebuild --repository-url https://github.com/example/sandbox \\
                  --plan
              dss setup-ci-codebuild --connection "$CONNECTION_ARN"
              dss setup-ci-codebuild --print-template > ci-codebuild.yaml
            """)

    @OptionGroup var project: CodeBuildOptions
    @OptionGroup var stack: StackOptions

    func run(in live: Live) async throws {
        let settings = try CodeBuildSettings(
            repository: project.repositoryURL, connection: project.connection, image: project.image,
            computeType: project.computeType, logRetention: project.logRetentionDays)
        try await live.deploy(.ciCodeBuild, stack) { _ in settings.parameters }
    }
}

/// `dss setup-release-codebuild`
struct SetupReleaseCodeBuild: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-release-codebuild",
        abstract: "Deploy the CodeBuild project for releases, once per account",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-RELEASE-CODEBUILD: a CodeBuild project with its role and log group. \
            The project runs aws-code-build/ci/buildspec_release.yaml when 'dss start-release-build' starts it.

            Secrets stay in Secrets Manager: the stack knows only their ARNs, and its role may read only these \
            secrets. The first deployment requires --password-secret and --github-token-secret. The registry secret is \
            JSON with username and password; without it, no container image is pushed.

            Shows the changes and asks for confirmation before making them. Options that are not given keep their \
            current values. If there is nothing to change, the command reports that and succeeds.

            Examples:
              dss setup-release-codebuild --password-secret ARN \\
                  --github-token-secret ARN --registry-secret ARN
              dss setup-release-codebuild --registry-secret none --plan
              dss setup-release-codebuild --print-template > release-codebuild.yaml
            """)

    @Option(help: ArgumentHelp("ARN of the secret that holds the default password", valueName: "arn"))
    var passwordSecret: String?

    @Option(
        help: ArgumentHelp(
            "ARN of the secret that holds a GitHub token with permission to write releases", valueName: "arn"))
    var githubTokenSecret: String?

    @Option(
        help: ArgumentHelp(
            "ARN of the secret that holds the container registry credentials, or 'none'", valueName: "arn"
        ))
    var registrySecret: String?

    @OptionGroup var project: CodeBuildOptions
    @OptionGroup var stack: StackOptions

    func run(in live: Live) async throws {
        let settings = try CodeBuildSettings(
            repository: project.repositoryURL, connection: project.connection, image: project.image,
            computeType: project.computeType, logRetention: project.logRetentionDays,
            secrets: [
                .init("--password-secret", parameter: "DefaultPasswordSecret", passwordSecret),
                .init("--github-token-secret", parameter: "GitHubTokenSecret", githubTokenSecret),
                .init("--registry-secret", parameter: "RegistrySecret", registrySecret, mayBeNone: true),
            ])
        try await live.deploy(.releaseCodeBuild, stack) { _ in settings.parameters }
    }
}
