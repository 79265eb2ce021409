import AWSCore
import AWSIdentity
import AWSProvider
import Definition
import FoundationEssentials
import Glibc
import HTTPTransport
import Provisioning
import Reporting
import Sandbox
import Workbench

/// Access to AWS.
extension Live {
    /// Runs `body` with the AWS identity, and closes its connections afterwards.
    func withAWS<Result>(
        _ options: AWSOptions, _ body: (Identity) async throws -> Result
    ) async throws -> Result {
        try await withAWS(options.caller, region: options.region, body)
    }

    /// - Parameter region: The value of the flag.
    func withAWS<Result>(
        _ options: CallerOptions, region: String?, _ body: (Identity) async throws -> Result
    ) async throws -> Result {
        let log = try CallLog(options)
        return try await withTransport { transport in
            let identity = try await Identity.find(
                profile: options.profile, region: region, in: identityWorld(transport, log))
            log.note("credentials: \(identity.origin)", .info)
            log.note("region: \(identity.region.map { "\($0.value), \($0.origin)" } ?? "none")", .info)
            return try await body(identity)
        }
    }

    /// The polling interval for long-running AWS operations. Packer uses the same variable, `AWS_POLL_DELAY_SECONDS`.
    func polling() throws -> PollingPolicy {
        let name = "AWS_POLL_DELAY_SECONDS"
        guard let text = environment[name], !text.isEmpty else { return PollingPolicy() }
        guard let seconds = Double(text), (0.01...600).contains(seconds) else {
            throw Failure(.usage, "\(name) must be a number from 0.01 to 600 seconds, not '\(text)'")
        }
        return PollingPolicy(first: .seconds(seconds), longest: .seconds(seconds), growth: 1)
    }

    func withTransport<Result>(_ body: (any Transport) async throws -> Result) async throws -> Result {
        let certificates = environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
        if let certificates, !fileExists(certificates) {
            throw Failure(.badData, "file \(certificates) (AWS_CA_BUNDLE) does not exist")
        }
        var settings = HTTPSettings(certificates: certificates)
        return try await withHTTPTransport(settings) { direct in
            guard let proxy = try ProxyRoute.proxy(in: environment) else { return try await body(direct) }
            settings.proxy = proxy
            let exceptions = ProxyRoute.Exceptions(environment["NO_PROXY"] ?? environment["no_proxy"] ?? "")
            return try await withHTTPTransport(settings) { proxied in
                try await body(ProxyRoute(direct: direct, proxied: proxied, exceptions: exceptions))
            }
        }
    }

    private func identityWorld(_ transport: any Transport, _ log: CallLog) -> IdentityWorld {
        IdentityWorld(
            environment: environment, home: environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path,
            readFile: { path in fileExists(path) ? Array(try readText(path).utf8) : nil },
            writeFile: { path, text in
                try makeDirectory(parentDirectory(path), mode: 0o700)
                try writeAtomically(text, to: path, mode: 0o600)
            },
            runProcess: credentialProcess, askMFACode: { try MFAPrompt.ask($0) }, warn: { log.note($0, .warning) },
            transport: transport, observe: log.note)
    }

    /// Runs the user's `credential_process`. It may need the secrets that other programs do not get. Its standard error
    /// is shown to the user; its standard output contains credentials and is never shown.
    @Sendable private func credentialProcess(_ words: [String]) async throws -> String {
        let secrets = Self.secretVariables.reduce(into: [:]) { $0[$1] = environment[$1] }
        let command = Command(words[0], Array(words.dropFirst()), environment: secrets.mapValues { Optional($0) })
        do {
            let output = try await runner.execute(command) { stream, line in
                if stream == .standardError { Terminal.standardError.write(line + "\n") }
            }
            guard output.status.isSuccess else { throw CredentialProcessFailure("ended with \(output.status)") }
            return output.standardOutput
        } catch is ToolMissing {
            throw CredentialProcessFailure("cannot be run: the program '\(words[0])' is not installed")
        }
    }
}

extension Live {
    /// Names and tags from the definition, or the defaults if there is no definition.
    func names(_ options: DefinitionOptions) throws -> SandboxDefinition.Names {
        try definition(ifPresent: options)?.names ?? .init()
    }

    /// Runs `body` with the assets in the regions of the options whose asset ids match a pattern.
    func withAWSAssets<Result>(
        _ options: AWSAssetOptions, _ pattern: String, _ body: (AWSAssets) async throws -> Result
    ) async throws -> Result {
        let definition = try definition(ifPresent: options.definition)
        let aws = definition?.aws ?? .init()
        let flag = options.isEverywhere ? nil : options.names.first
        return try await withAWS(options.caller, region: flag) { identity in
            var regions = options.names.isEmpty ? identity.region.map { [$0.value] } ?? aws.regions : options.names
            let client = try identity.orRegion(of: aws).client()
            if options.isEverywhere { regions = try await AWSAssets.regions(of: client) }
            let rules = AssetRules(
                names: definition?.names ?? .init(), volumeGiB: aws.volumeSizeGiB, AssetPattern(pattern))
            return try await body(AWSAssets(client, rules, in: regions))
        }
    }
}

/// Builds on AWS.
extension Live {
    /// The instance that an image is created from.
    enum MachineSource {
        case new(MachineOptions)
        /// The instance of an existing stack.
        case existing(isKept: Bool)
    }

    /// Runs `body` with the provider for an order, and the publication of its images.
    func withAWSProvider<Result>(
        for order: BuildOrder, _ aws: AWSOptions, _ machine: MachineSource, _ export: ExportOptions,
        _ body: (AWSVMProvider, AssetFolder<S3ArtifactStore>) async throws -> Result
    ) async throws -> Result {
        try await withAWS(aws) { identity in
            let workspace = try workspace(identity, order.assetID, order.definition, lifetime: machine.lifetime)
            let method = export.method
            let export = try await awsExport(workspace, export)
            let credentials = try await lifetime(of: identity)
            let settings =
                switch machine {
                case .new(let options):
                    AWSBuildSettings(
                        machine: { try await machineOrder($0, options, in: workspace) }, method: method,
                        place: exportPlace, credentials: credentials,
                        inputs: try BuildInputs(order).amiDigest(of: order.definition))
                case .existing(let isKept):
                    AWSBuildSettings(
                        machine: nil, removesMachine: !isKept, method: method, place: exportPlace,
                        credentials: credentials, inputs: nil)
                }
            let provider = AWSVMProvider(
                workspace, machines: machines(workspace), export: export, settings: settings)
            return try await body(provider, export.folder)
        }
    }

    private func awsExport(_ workspace: AWSWorkspace, _ options: ExportOptions) async throws -> AWSExport {
        let bucket = try await ImageBucket.find(in: workspace.client, for: .export)
        return AWSExport(
            workspace, S3ArtifactStore(workspace.client, bucket), place: exportPlace,
            workDirectory: options.workDirectory.map(absolute) ?? exportDirectory, runner: runner)
    }

    /// The default scratch directory of exports.
    var exportDirectory: String { absolute(environment["DSS_WORK_DIR"] ?? "/var/tmp") }

    private var exportPlace: ExportPlace {
        ExportPlace(environment: environment, vendor: try? readText(ExportPlace.vendorFile))
    }

    /// How long the credentials are valid. Keys from the environment cannot be renewed; every other source can.
    private func lifetime(of identity: Identity) async throws -> Preflight.Credentials {
        let credentials = try await identity.keeper.credentials(insteadOf: nil)
        return Preflight.Credentials(
            expires: credentials.expiration, areRenewed: !credentials.origin.hasPrefix("environment"))
    }
}

extension Live.MachineSource {
    /// Hours after which temporary build resources expire.
    fileprivate var lifetime: Int {
        if case .new(let options) = self { options.reach.lifetime } else { 24 }
    }
}

extension Live {
    /// The AWS settings of the definition, or the defaults if there is no definition.
    func cloud(_ options: DefinitionOptions) throws -> (names: SandboxDefinition.Names, aws: SandboxDefinition.AWS) {
        let definition = try definition(ifPresent: options)
        return (definition?.names ?? .init(), definition?.aws ?? .init())
    }

    /// Runs `body` with a client for the region from the flag, the caller's settings or the definition.
    func withImages<Result>(
        _ options: AWSOptions, _ definition: DefinitionOptions,
        _ body: (AWSClient, SandboxDefinition.Names) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(definition)
        return try await withAWS(options) { identity in
            try await body(try identity.orRegion(of: aws).client(), names)
        }
    }
}

/// Instances on AWS.
extension Live {
    /// The build site of an asset id.
    func workspace(
        _ identity: Identity, _ assetID: AssetID, _ definition: SandboxDefinition, lifetime hours: Int
    ) throws -> AWSWorkspace {
        AWSWorkspace(
            try identity.orRegion(of: definition.aws).client(), assetID, names: definition.names,
            polling: try polling(),
            lifetime: .seconds(hours * 3600))
    }

    func machines(_ workspace: AWSWorkspace) -> Machines {
        Machines(
            workspace: workspace, runner: runner, directory: "\(awsState)/\(workspace.region)-\(workspace.stackName)",
            ownAddress: { try await ownAddress(workspace.client.world.transport) })
    }

    func machineOrder(
        _ definition: SandboxDefinition, _ options: MachineOptions, in workspace: AWSWorkspace
    ) async throws -> MachineOrder {
        let networks = try options.reach.networks
        let sshConfig = try existing(options.reach.sshConfig)
        let keyFile = try existing(options.keyFile)
        var order = MachineOrder(
            source: try await workspace.sourceImage(definition, ami: options.sourceAMI),
            instanceType: definition.aws.instanceType, volumeGiB: definition.aws.volumeSizeGiB,
            user: definition.user.name, sshNetworks: networks, sshConfig: sshConfig, base: definition.base)
        if let name = options.keyName, let file = keyFile { order.key = .existing(name: name, file: file) }
        return order
    }

    /// The absolute path of a file.
    func existing(_ file: String?) throws -> String? {
        guard let path = file.map(absolute) else { return nil }
        guard fileExists(path) else { throw Failure(.badData, "file \(path) does not exist") }
        return path
    }

    /// The state directory of EC2 instances. It belongs to the user, because several users may build on one host.
    private var awsState: String {
        if let folder = environment["DSS_STATE"] { return absolute("\(folder)/aws") }
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return "\(folder)/dss/aws" }
        let home = environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
        return "\(home)/.local/state/dss/aws"
    }

    /// The public address of this host as AWS sees it. Behind an HTTPS proxy, this is the address of the proxy, which
    /// SSH does not use.
    private func ownAddress(_ transport: any Transport) async throws -> String {
        let url = environment["DSS_CHECKIP_URL"] ?? "https://checkip.amazonaws.com"
        let advice = "specify the network that may connect by SSH: --ssh-cidr 192.0.2.7/32"
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(.usage, "DSS_CHECKIP_URL is not a valid URL: \(url)", advice: advice)
        }
        do {
            let path = endpoint.basePath.isEmpty ? "/" : ""
            let answer = try await transport.send(HTTPRequest(.get, endpoint, path: path), within: .seconds(20))
            guard answer.isSuccess else { throw TransportError(.lost, "the server returned status \(answer.status)") }
            return String(decoding: answer.body, as: UTF8.self).trimmedLine
        } catch let error as TransportError {
            throw Failure(
                .unavailable, "cannot determine your public IP address from \(url): \(error.message)",
                advice: advice)
        }
    }
}

extension Live {
    /// Deploys one of the permanent stacks.
    /// - Parameter parameters: Computes the stack parameters, given access to the stacks in the web ACL's region.
    func deploy(
        _ stack: PermanentStack, _ options: StackOptions, parameters: (Stacks) async throws -> [String: String]
    ) async throws {
        if options.printTemplate { return Terminal.standardOutput.write(stack.template) }
        let desk = DeploymentConsole(options)
        var aws = options.aws
        if let region = stack.region {
            guard [nil, region].contains(aws.region) else {
                throw Failure(.usage, "this stack can only be deployed in \(region)", advice: "omit --region")
            }
            aws.region = region
        }
        try await withAWS(aws) { identity in
            let client = try identity.client()
            let firewall = client.region(PermanentStack.vmBucketWAF.region ?? client.region)
            let order = stack.order(try await parameters(Stacks(firewall, desk.talk)))
            desk.show(try await Stacks(client, desk.talk).deploy(order))
        }
    }
}

/// Sends HTTPS requests through the proxy in HTTPS_PROXY, and everything else directly.
///
/// Plain HTTP is used only for nearby endpoints: the instance metadata service, a container's agent, an emulator. A
/// proxy would query its own metadata service and return its own credentials.
struct ProxyRoute: Transport {
    let direct: any Transport
    let proxied: any Transport
    let exceptions: Exceptions

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let isDirect = request.endpoint.scheme == "http" || exceptions.cover(request.endpoint.host)
        return try await (isDirect ? direct : proxied).send(request, within: limit)
    }

    /// The hosts in NO_PROXY: domain names including their subdomains, or `*`.
    struct Exceptions: Sendable {
        private let names: [String]

        init(_ list: String) {
            names = list.split(separator: ",").map { entry in
                String(entry.filter { !$0.isWhitespace }.drop { $0 == "." }).lowercased()
            }.filter { !$0.isEmpty }
        }

        func cover(_ host: String) -> Bool {
            let host = host.lowercased()
            return names.contains { $0 == "*" || host == $0 || host.hasSuffix("." + $0) }
        }
    }

    /// Host and port of the proxy in the environment; `nil` if there is none.
    static func proxy(in environment: [String: String]) throws -> (host: String, port: Int)? {
        guard let name = ["HTTPS_PROXY", "https_proxy"].first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[name]
        else { return nil }
        // The error does not show the value, because it may contain a password.
        let url = value.contains("://") ? value : "http://\(value)"
        guard let endpoint = Endpoint(url: url, signingRegion: ""), endpoint.scheme == "http" else {
            throw Failure(.usage, "\(name) is not a URL such as http://proxy.example.com:3128")
        }
        return (endpoint.host, endpoint.port ?? 80)
    }
}

/// Asks for an MFA code on the controlling terminal, regardless of standard input.
///
/// The code is echoed: it is valid only once, and seeing typing mistakes is more useful than hiding it.
enum MFAPrompt {
    static func ask(_ serial: String) throws -> String {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw Failure(
                .noPermission, "MFA device \(serial) requires a code, and there is no terminal to ask for it",
                advice: "run 'dss whoami' once in a terminal; its credentials are then used until they expire")
        }
        defer { close(terminal) }
        for _ in 1...3 {
            Terminal(descriptor: terminal).write("MFA code for \(serial): ")
            let code = try line(from: terminal)
            if code.wholeMatch(of: /[0-9]{6}/) != nil { return code }
            Terminal(descriptor: terminal).write("the code must have six digits\n")
        }
        throw Failure(.usage, "no valid MFA code was entered")
    }

    private static func line(from terminal: Int32) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { read(terminal, $0.baseAddress, $0.count) }
        guard count > 0 else { throw Failure(.usage, "no MFA code was entered") }
        return String(decoding: buffer[..<count].filter { $0 > 32 && $0 < 127 }, as: UTF8.self)
    }
}

/// Logs every attempt of an AWS call to standard error and to a file. Neither contains a secret, because a
/// `CallRecord` has no field for one.
final class CallLog: Sendable {
    private let level: LogLevel
    private let trace: Int32?
    private let terminal = Terminal.standardError

    /// Waits shorter than this are not worth a warning.
    private static let moment: Duration = .seconds(2)

    /// - Throws: `FileError` if the trace file cannot be opened.
    init(_ options: CallerOptions) throws {
        level = options.logLevel
        trace = try options.trace.map { path in
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw FileError("write", path) }
            guard fchmod(file, 0o600) == 0 else { throw FileError("set the mode of", path) }
            return file
        }
    }

    deinit {
        if let trace { close(trace) }
    }

    func note(_ record: CallRecord) {
        if let trace { Terminal(descriptor: trace).write(record.json.line + "\n") }
        if level >= .debug {
            terminal.write(Message.log(record.line, terminal.style))
        } else if level >= .warning, let pause = record.retryIn, pause > Self.moment {
            terminal.write(
                Message.warning(
                    "\(record.service) \(record.operation): \(record.error ?? "no response"); retrying in "
                        + Units.time(pause.seconds), terminal.style))
        }
    }

    func note(_ text: String, _ level: LogLevel) {
        guard self.level >= level else { return }
        terminal.write(
            level == .warning ? Message.warning(text, terminal.style) : Message.log(text, terminal.style))
    }
}

extension CallRecord {
    /// `STS GetCallerIdentity eu-central-1 200 34 ms, attempt 1, request 5d0b…`
    var line: String {
        let what = [service, operation, region, status.map { "\($0)" } ?? "-", "\(duration.milliseconds) ms"]
            .filter { !$0.isEmpty }.joined(separator: " ")
        return
            ([what, "attempt \(attempt)"]
            + [
                requestID.map { "request \($0)" }, error, retryIn.map { "retry in \($0.milliseconds) ms" },
            ].compactMap { $0 }).joined(separator: ", ")
    }

    var json: JSONValue {
        .object([
            ("time", .string(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))),
            ("service", .string(service)), ("operation", .string(operation)), ("region", .string(region)),
            ("host", .string(host)), ("attempt", .count(attempt)), ("status", status.map { .count($0) } ?? .null),
            ("milliseconds", .count(duration.milliseconds)), ("request_id", .text(requestID)),
            ("bytes_sent", .count(bytesSent)), ("bytes_received", .count(bytesReceived)), ("error", .text(error)),
            ("retry_in_milliseconds", retryIn.map { .count($0.milliseconds) } ?? .null),
        ])
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var milliseconds: Int { Int((seconds * 1000).rounded()) }
}

extension Identity {
    /// The same caller, in the definition's region if no other source sets one.
    func orRegion(of aws: SandboxDefinition.AWS) -> Identity {
        var identity = self
        identity.region = region ?? aws.regions.first.map { Setting($0, origin: "the definition") }
        return identity
    }
}
