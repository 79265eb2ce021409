import ArgumentParser

/// What both ways of building a release on CodeBuild have.
struct ReleaseBuildOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What is built: a branch, tag or commit.", valueName: "name"))
    var branch: String

    @Option(
        help: ArgumentHelp(
            "The secret that has the default password, by name or ARN; by default that of the stack.",
            valueName: "secret"))
    var passwordSecret: String?

    @Flag(name: .customLong("no-wait"), help: "Starts the build and does not follow it.")
    var noWait = false

    @Flag(help: "Prints JSON; what happens meanwhile goes to standard error as ever.")
    var json = false

    @OptionGroup var asset: AssetOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        let isClean = branch.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\/+@#-]*/) != nil
        guard isClean, !branch.contains(".."), branch.count <= 255 else {
            throw ValidationError("'\(branch)' is not the name of a branch, tag or commit.")
        }
    }
}
