import ArgumentParser

/// Which repository on which GitHub.
struct GitHubOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The repository; by default that of the definition.", valueName: "owner/name"))
    var repository: String?

    @Option(
        name: .customLong("github-url"),
        help: ArgumentHelp(
            "The API of an Enterprise server, such as https://github.example.com/api/v3. [GITHUB_API_URL]",
            valueName: "url"))
    var url: String?
}
