import ArgumentParser

/// Who calls AWS, and what is noted of it; for every command that does.
struct CallerOptions: ParsableArguments {
    @Option(
        name: .customLong("aws-profile"),
        help: ArgumentHelp(
            "The AWS profile, instead of whatever else has credentials. [AWS_PROFILE]", valueName: "name"))
    var profile: String?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "What is told of calls to AWS: warning tells of long waits, debug of every attempt.", valueName: "level"))
    var logLevel = LogLevel.warning

    @Option(
        name: .customLong("trace-aws"),
        help: ArgumentHelp("Appends every attempt of a call to AWS to a file, as JSON lines.", valueName: "file"),
        completion: .file())
    var trace: String?
}

/// Who calls AWS, for a command that works in one region.
struct AWSOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The AWS region. [AWS_REGION]", valueName: "name"))
    var region: String?

    @OptionGroup var caller: CallerOptions
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable, Comparable {
    case error, warning, info, debug

    static func < (lhs: LogLevel, rhs: LogLevel) -> Bool {
        allCases.firstIndex(of: lhs)! < allCases.firstIndex(of: rhs)!
    }
}
