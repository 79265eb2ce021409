import AWSProvider
import ArgumentParser

/// `dss setup-ci-codebuild`
struct SetupCICodeBuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ci-codebuild",
        abstract: "Deploys the system tests on CodeBuild, once for an account.",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD: a project that runs \
            aws-code-build/ci/buildspec.yaml for every push to a branch other than main whose commit message says \
            [CodeBuild]; its role, and its log.

            CodeBuild must have access to the repository before: by a connection (--connection), or by a token that \
            is imported once with 'aws codebuild import-source-credentials'. Tests run machines on EC2, which costs \
            money.

            Shows what changes and asks before it changes anything. What is not given stays as it is; run again \
            without a change, it succeeds and says so.

            Examples:
              dss setup-ci-codebuild --aws-profile admin --region eu-central-1
              dss setup-ci-codebuild --repository-url https://github.com/example/sandbox \\
                  --plan
              dss setup-ci-codebuild --connection "$CONNECTION_ARN"
              dss setup-ci-codebuild --print-template > ci-codebuild.yaml
            """)

    @OptionGroup var project: CodeBuildOptions
    @OptionGroup var stack: StackOptions

    func run() async throws {
        let settings = try CodeBuildSettings(
            repository: project.repositoryURL, connection: project.connection, image: project.image,
            computeType: project.computeType, logRetention: project.logRetentionDays)
        try await Live().deploy(.ciCodeBuild, stack) { _ in settings.parameters }
    }
}

/// `dss setup-release-codebuild`
struct SetupReleaseCodeBuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-release-codebuild",
        abstract: "Deploys the building of releases on CodeBuild, once for an account.",
        discussion: """
            Deploys the stack DATA-SCIENCE-SANDBOX-RELEASE-CODEBUILD: a project that runs \
            aws-code-build/ci/buildspec_release.yaml when 'dss start-release-build' starts it; its role, and its log.

            Secrets stay in Secrets Manager: the stack has their ARNs alone, and its role may read these and no \
            others. The first deployment needs --password-secret and --github-token-secret. The registry's secret is \
            JSON with username and password; without it no container image is pushed.

            Shows what changes and asks before it changes anything. What is not given stays as it is; run again \
            without a change, it succeeds and says so.

            Examples:
              dss setup-release-codebuild --password-secret ARN \\
                  --github-token-secret ARN --registry-secret ARN
              dss setup-release-codebuild --registry-secret none --plan
              dss setup-release-codebuild --print-template > release-codebuild.yaml
            """)

    @Option(help: ArgumentHelp("The secret that has the default password of sandboxes.", valueName: "arn"))
    var passwordSecret: String?

    @Option(help: ArgumentHelp("The secret that has a GitHub token which may write releases.", valueName: "arn"))
    var githubTokenSecret: String?

    @Option(
        help: ArgumentHelp(
            "The secret with username and password of the container registry, or none.", valueName: "arn"
        ))
    var registrySecret: String?

    @OptionGroup var project: CodeBuildOptions
    @OptionGroup var stack: StackOptions

    func run() async throws {
        let settings = try CodeBuildSettings(
            repository: project.repositoryURL, connection: project.connection, image: project.image,
            computeType: project.computeType, logRetention: project.logRetentionDays,
            secrets: [
                .init("--password-secret", parameter: "DefaultPasswordSecret", passwordSecret),
                .init("--github-token-secret", parameter: "GitHubTokenSecret", githubTokenSecret),
                .init("--registry-secret", parameter: "RegistrySecret", registrySecret, mayBeNone: true),
            ])
        try await Live().deploy(.releaseCodeBuild, stack) { _ in settings.parameters }
    }
}
