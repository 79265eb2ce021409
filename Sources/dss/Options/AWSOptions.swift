import AWSIdentity
import AWSProvider
import ArgumentParser
import Sandbox

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

/// Where assets on AWS are looked for, and by whom.
struct AWSAssetOptions: ParsableArguments {
    @Option(
        name: .customLong("region"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "AWS regions, or 'all'; by default the caller's, else those of the definition. [AWS_REGION]",
            valueName: "name"))
    var regions: [String] = []

    @OptionGroup var caller: CallerOptions
    @OptionGroup var definition: DefinitionOptions

    var isEverywhere: Bool { names == ["all"] }

    /// Also `a,b` is two.
    var names: [String] { regions.flatMap { $0.split(separator: ",").map(String.init) } }

    func validate() throws {
        if names.contains("all"), !isEverywhere { throw ValidationError("'--region all' stands alone.") }
        if let bad = names.first(where: { !isRegion($0) }) {
            throw ValidationError("'\(bad)' is not the name of a region, such as eu-central-1.")
        }
    }
}

/// Kinds of assets, one after the other or with commas between.
struct AssetKinds: ExpressibleByArgument, Sendable {
    let kinds: [AWSAsset.Kind]

    init?(argument: String) {
        let names = argument.split(separator: ",")
        kinds = names.compactMap { AWSAsset.Kind(rawValue: String($0)) }
        guard kinds.count == names.count, !names.isEmpty else { return nil }
    }

    static let allValueStrings = AWSAsset.Kind.allCases.map(\.rawValue)
}

extension [AssetKinds] {
    var all: Set<AWSAsset.Kind> { Set(flatMap(\.kinds)) }
}

/// How a build on AWS exports its images; what it is made on is said by `MachineOptions`.
struct ExportOptions: ParsableArguments {
    @Option(
        name: .customLong("export-method"),
        help: ArgumentHelp(
            "vm-export: AWS writes the images, one after the other, and no byte comes here. ebs-direct: the snapshot is "
                + "read here once for all formats. auto: what fits best.", valueName: "method"))
    var method = ExportMethod.auto

    @Option(
        name: .customLong("work-dir"),
        help: ArgumentHelp("Where ebs-direct keeps its files meanwhile. [DSS_WORK_DIR]", valueName: "folder"),
        completion: .directory)
    var workDirectory: String?
}

extension ExportMethod: ExpressibleByArgument {}

/// The machine of a build on AWS, as far as the definition does not say it.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("ec2-source-ami"),
        help: ArgumentHelp(
            "The AMI to start from, or ssm:NAME of a parameter that has it; the definition's by default.",
            valueName: "ami"))
    var sourceAMI: String?

    @Option(
        name: .customLong("ec2-key-name"),
        help: ArgumentHelp("A key pair that AWS has, instead of one made for the build.", valueName: "name"))
    var keyName: String?

    @Option(
        name: .customLong("ec2-key-file"),
        help: ArgumentHelp("The private key of it.", valueName: "file"), completion: .file())
    var keyFile: String?

    @OptionGroup var reach: ReachOptions

    func validate() throws {
        guard (keyName == nil) == (keyFile == nil) else {
            throw ValidationError("--ec2-key-name and --ec2-key-file belong together.")
        }
    }
}

/// How a machine on AWS is reached, and how long it lives.
struct ReachOptions: ParsableArguments {
    @Option(
        name: .customLong("ssh-cidr"),
        help: ArgumentHelp(
            "A network that SSH is let in from, instead of your own address alone; may be repeated.",
            valueName: "network"))
    var sshNetworks: [String] = []

    @Option(
        name: .customLong("ssh-config"),
        help: ArgumentHelp(
            "A configuration of ssh for jump hosts and odd ports, by the machine's address.", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @Option(
        help: ArgumentHelp("After how many hours the machine powers itself off, whatever happens.", valueName: "hours"))
    var lifetime = 24

    func validate() throws {
        guard (1...720).contains(lifetime) else { throw ValidationError("--lifetime: a number from 1 to 720 hours.") }
    }

    /// - Throws: `Failure` with all mistakes.
    var networks: [IPNetwork] {
        get throws {
            var mistakes: [String] = []
            var networks: [IPNetwork] = []
            for text in sshNetworks {
                do { networks.append(try IPNetwork(text)) } catch { mistakes.append("--ssh-cidr \(error.message)") }
            }
            guard let first = mistakes.first else { return networks }
            throw Failure(
                .usage, mistakes.count == 1 ? first : "\(mistakes.count) networks are wrong",
                details: mistakes.count == 1 ? [] : mistakes)
        }
    }
}

/// How a permanent stack is deployed, whichever it is.
struct StackOptions: ParsableArguments {
    @Flag(help: "Prints the CloudFormation template and calls nobody.")
    var printTemplate = false

    @Flag(help: "Only shows what would change.")
    var plan = false

    @Flag(help: "Does not ask.")
    var yes = false

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var aws: AWSOptions

    func validate() throws {
        if plan, yes { throw ValidationError("--plan changes nothing, --yes changes without asking: choose one.") }
    }
}

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
