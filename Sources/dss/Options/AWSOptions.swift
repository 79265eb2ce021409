import AWSIdentity
import AWSProvider
import ArgumentParser
import Sandbox

/// AWS credentials and call logging, for every command that calls AWS.
struct CallerOptions: ParsableArguments {
    @Option(
        name: .customLong("aws-profile"),
        help: ArgumentHelp(
            "AWS profile to use instead of the default credential chain [env: AWS_PROFILE]", valueName: "name"))
    var profile: String?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "How much to log about AWS API calls; warning logs long waits, debug logs every attempt", valueName: "level"
        ))
    var logLevel = LogLevel.warning

    @Option(
        name: .customLong("trace-aws"),
        help: ArgumentHelp("Append every AWS API call attempt to a file as JSON lines", valueName: "file"),
        completion: .file())
    var trace: String?
}

/// AWS region and credentials, for a command that works in one region.
struct AWSOptions: ParsableArguments {
    @Option(help: ArgumentHelp("AWS region [env: AWS_REGION]", valueName: "name"))
    var region: String?

    @OptionGroup var caller: CallerOptions
}

enum LogLevel: String, ExpressibleByArgument, CaseIterable, Comparable {
    case error, warning, info, debug

    static func < (lhs: LogLevel, rhs: LogLevel) -> Bool {
        allCases.firstIndex(of: lhs)! < allCases.firstIndex(of: rhs)!
    }
}

/// The regions to search for AWS assets, and the caller's credentials.
struct AWSAssetOptions: ParsableArguments {
    @Option(
        name: .customLong("region"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "AWS regions, or 'all' (default: the caller's region, else the definition's) [env: AWS_REGION]",
            valueName: "name"))
    var regions: [String] = []

    @OptionGroup var caller: CallerOptions
    @OptionGroup var definition: DefinitionOptions

    var isEverywhere: Bool { names == ["all"] }

    /// The region names; `a,b` counts as two.
    var names: [String] { regions.flatMap { $0.split(separator: ",").map(String.init) } }

    func validate() throws {
        if names.contains("all"), !isEverywhere {
            throw ValidationError("'--region all' cannot be combined with other regions")
        }
        if let bad = names.first(where: { !isRegion($0) }) {
            throw ValidationError("'\(bad)' is not a region name such as eu-central-1")
        }
    }
}

/// Asset types, given as separate arguments or separated by commas.
struct AssetKinds: ExpressibleByArgument, Sendable {
    let kinds: [Asset.Kind]

    init?(argument: String) {
        let names = argument.split(separator: ",")
        kinds = names.compactMap { name in Asset.Kind.onAWS.first { $0.rawValue == name } }
        guard kinds.count == names.count, !names.isEmpty else { return nil }
    }

    static let allValueStrings = Asset.Kind.onAWS.map(\.rawValue)
}

extension [AssetKinds] {
    var kinds: [Asset.Kind] { flatMap(\.kinds) }
}

/// How a build on AWS exports its images. `MachineOptions` describes the instance that it runs on.
struct ExportOptions: ParsableArguments {
    @Option(
        name: .customLong("export-method"),
        help: ArgumentHelp(
            "How to export images. vm-export: AWS writes the images one at a time; no data is downloaded. ebs-direct: "
                + "read the snapshot once and write all formats on this host. auto: choose the better method",
            valueName: "method"))
    var method = ExportMethod.auto

    @Option(
        name: .customLong("work-dir"),
        help: ArgumentHelp(
            "Scratch directory for ebs-direct (default: /var/tmp) [env: DSS_WORK_DIR]", valueName: "folder"),
        completion: .directory)
    var workDirectory: String?
}

extension ExportMethod: ExpressibleByArgument {}

/// The EC2 instance of a build, as far as the definition does not specify it.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("ec2-source-ami"),
        help: ArgumentHelp(
            "Source AMI, or ssm:NAME for an SSM parameter that holds its id (default: from the definition)",
            valueName: "ami"))
    var sourceAMI: String?

    @Option(
        name: .customLong("ec2-key-name"),
        help: ArgumentHelp("Existing EC2 key pair to use instead of a temporary one", valueName: "name"))
    var keyName: String?

    @Option(
        name: .customLong("ec2-key-file"),
        help: ArgumentHelp("Private key of the EC2 key pair", valueName: "file"), completion: .file())
    var keyFile: String?

    @OptionGroup var reach: InstanceAccessOptions

    func validate() throws {
        guard (keyName == nil) == (keyFile == nil) else {
            throw ValidationError("--ec2-key-name and --ec2-key-file must be used together")
        }
    }
}

/// How to connect to an EC2 instance, and how long it lives.
struct InstanceAccessOptions: ParsableArguments {
    @Option(
        name: .customLong("ssh-cidr"),
        help: ArgumentHelp(
            "Network that may connect by SSH, instead of only your own address (repeatable)",
            valueName: "network"))
    var sshNetworks: [String] = []

    @Option(
        name: .customLong("ssh-config"),
        help: ArgumentHelp(
            "SSH configuration for jump hosts and ports, matched by the instance's address", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @Option(
        help: ArgumentHelp(
            "Hours after which the instance powers itself off, even if dss is no longer running", valueName: "hours"))
    var lifetime = 24

    func validate() throws {
        guard (1...720).contains(lifetime) else { throw ValidationError("--lifetime must be 1 to 720 hours") }
    }

    /// The networks that may connect by SSH.
    /// - Throws: `Failure` that lists all invalid networks.
    var networks: [IPNetwork] {
        get throws {
            var mistakes: [String] = []
            var networks: [IPNetwork] = []
            for text in sshNetworks {
                do { networks.append(try IPNetwork(text)) } catch { mistakes.append("--ssh-cidr \(error.message)") }
            }
            guard let first = mistakes.first else { return networks }
            throw Failure(
                .usage, mistakes.count == 1 ? first : "\(mistakes.count) networks are invalid",
                details: mistakes.count == 1 ? [] : mistakes)
        }
    }
}

/// The options shared by the commands that deploy a permanent stack.
struct StackOptions: ParsableArguments {
    @Flag(help: "Print the CloudFormation template without calling AWS")
    var printTemplate = false

    @Flag(help: "Show the changes without making them")
    var plan = false

    @Flag(help: .yes)
    var yes = false

    @Flag(help: .json)
    var json = false

    @OptionGroup var aws: AWSOptions

    func validate() throws {
        if plan, yes { throw ValidationError("--plan and --yes cannot be used together") }
    }
}

/// The options shared by both CodeBuild projects.
struct CodeBuildOptions: ParsableArguments {
    @Option(help: ArgumentHelp("GitHub repository URL: https://HOST/OWNER/NAME", valueName: "url"))
    var repositoryURL: String?

    @Option(
        help: ArgumentHelp(
            "ARN of the connection to GitHub, or 'none' to use credentials imported into CodeBuild", valueName: "arn"))
    var connection: String?

    @Option(help: ArgumentHelp("Container image that builds run in: Debian or Ubuntu with Swift", valueName: "name"))
    var image: String?

    @Option(help: ArgumentHelp("Build instance size: medium, large, xlarge or 2xlarge", valueName: "size"))
    var computeType: String?

    @Option(help: ArgumentHelp("Log retention in days", valueName: "days"))
    var logRetentionDays: String?
}

/// The options shared by both commands that build a release on CodeBuild.
struct ReleaseBuildOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Branch, tag or commit to build", valueName: "name"))
    var branch: String

    @Option(
        help: ArgumentHelp(
            "Name or ARN of the default password's secret (default: the one configured in the stack)",
            valueName: "secret"))
    var passwordSecret: String?

    @Flag(name: .customLong("no-wait"), help: "Start the build without waiting for it")
    var noWait = false

    @Flag(help: "Print JSON; progress still goes to standard error")
    var json = false

    @OptionGroup var asset: AssetOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        let isClean = branch.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\/+@#-]*/) != nil
        guard isClean, !branch.contains(".."), branch.count <= 255 else {
            throw ValidationError("'\(branch)' is not a valid branch, tag or commit")
        }
    }
}

/// The GitHub repository, and the GitHub server that hosts it.
struct GitHubOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("GitHub repository (default: github.repository of the definition)", valueName: "owner/name"))
    var repository: String?

    @Option(
        name: .customLong("github-url"),
        help: ArgumentHelp(
            "API URL of GitHub Enterprise Server, such as https://github.example.com/api/v3 [env: GITHUB_API_URL]",
            valueName: "url"))
    var url: String?
}
