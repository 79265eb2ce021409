import AWSCore
import AWSIdentity
import AWSProvider
import Definition
import LocalProvider
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
        let log = try CallLog(options, to: standardError)
        let unconnected = NoTransport(failure: Failure(.bug, "a request before the connections are set up"))
        let certificates = try Identity.certificates(
            profile: options.profile, in: identityWorld(unconnected, log))
        return try await withTransport(certificates: certificates) { transport in
            let identity = try await Identity.find(
                profile: options.profile, region: region, in: identityWorld(transport, log))
            log.note("credentials: \(identity.origin)", .info)
            log.note("region: \(identity.region.map { "\($0.value), \($0.origin)" } ?? "none")", .info)
            try await identity.requireRegions([identity.region].compactMap { $0 })
            return try await body(identity)
        }
    }

    /// The polling interval for long-running AWS operations. Packer uses the same variable, `AWS_POLL_DELAY_SECONDS`.
    func polling() throws -> PollingPolicy {
        let name = "AWS_POLL_DELAY_SECONDS"
        guard let text = variable(name) else { return PollingPolicy() }
        guard let seconds = Double(text), (0.01...600).contains(seconds) else {
            throw Failure(.usage, "\(name) must be a number from 0.01 to 600 seconds, not '\(text)'")
        }
        return PollingPolicy(first: .seconds(seconds), longest: .seconds(seconds), growth: 1)
    }

    private func identityWorld(_ transport: any Transport, _ log: CallLog) -> IdentityWorld {
        IdentityWorld(
            environment: environment, home: home,
            readFile: { path in fileExists(path) ? Array(try readText(path, atMost: 1 << 24).utf8) : nil },
            writeFile: { path, text in
                try makeDirectory(parentDirectory(path), mode: 0o700)
                try writeAtomically(text, to: path, mode: 0o600)
            },
            runProcess: credentialProcess, askMFACode: { try MFAPrompt.ask($0) }, warn: { log.note($0, .warning) },
            hostExists: hostExists, transport: transport, time: callTime, observe: log.note)
    }

    private var callTime: CallTime {
        let stopwatch = Stopwatch(clock)
        return CallTime(
            now: now, uptime: { .seconds(stopwatch.seconds) }, sleep: { try await clock.sleep(for: $0) },
            random: { Double.random(in: 0...1) })
    }

    /// Runs the user's `credential_process`. It gets the whole environment, including the secrets that other programs do
    /// not get. Its standard error is shown to the user; its standard output contains credentials and is never shown.
    @Sendable private func credentialProcess(_ words: [String]) async throws -> String {
        let command = Command(
            words[0], Array(words.dropFirst()),
            environment: environment.filter { $0.key != "PATH" }.mapValues { Optional($0) })
        do {
            let output = try await runner.execute(command) { stream, line in
                if stream == .standardError { standardError.write(line + "\n") }
            }
            guard output.status.isSuccess else { throw CredentialProcessFailure("ended with \(output.status)") }
            return output.standardOutput
        } catch is ToolMissing {
            throw CredentialProcessFailure("cannot be run: the program '\(words[0])' is not installed")
        }
    }
}

extension Live {
    /// Runs `body` with the assets in the regions of the options whose asset ids match a pattern.
    func withAWSAssets<Result>(
        _ options: AWSAssetOptions, _ pattern: String, _ body: (AWSAssets) async throws -> Result
    ) async throws -> Result {
        let definition = try definition(ifPresent: options.definition)
        let aws = definition?.aws ?? .init()
        let flag = options.isEverywhere ? nil : options.names.first
        return try await withAWS(options.caller, region: flag) { identity in
            var regions = options.names.isEmpty ? identity.region.map { [$0.value] } ?? aws.regions : options.names
            let client = try await identity.orRegion(of: aws).client()
            if options.isEverywhere { regions = try await AWSAssets.regions(of: client) }
            try await identity.requireRegions(options.names.map { Setting($0, origin: "--region") })
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
            let workspace = try await workspace(identity, order.assetID, order.definition, lifetime: machine.lifetime)
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
                workspace, machines: try machines()(workspace), export: export, settings: settings)
            return try await body(provider, export.folder)
        }
    }

    private func awsExport(_ workspace: AWSWorkspace, _ options: ExportOptions) async throws -> AWSExport {
        let bucket = try await ImageBucket.find(in: workspace.client, for: .export)
        return AWSExport(
            workspace, S3ArtifactStore(workspace.client, bucket), place: exportPlace,
            workDirectory: try exportDirectory(options.workDirectory), runner: runner)
    }

    /// The scratch directory of exports.
    func exportDirectory(_ flag: String? = nil) throws -> String {
        try folder(for: .work, ("--work-dir", flag), "DSS_WORK_DIR", "/var/tmp")
    }

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
    /// Runs `body` with a client for the region from the flag, the caller's settings or the definition.
    /// - Parameter targets: Other regions that the command line names.
    func withImages<Result>(
        _ options: AWSOptions, _ definition: DefinitionOptions, targets: [String] = [],
        _ body: (AWSClient, SandboxDefinition.Names) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(definition)
        return try await withAWS(options) { identity in
            try await identity.requireRegions(targets.map { Setting($0, origin: "--to") })
            return try await body(try await identity.orRegion(of: aws).client(), names)
        }
    }
}

/// Instances on AWS.
extension Live {
    /// The build site of an asset id.
    func workspace(
        _ identity: Identity, _ assetID: AssetID, _ definition: SandboxDefinition, lifetime hours: Int
    ) async throws -> AWSWorkspace {
        AWSWorkspace(
            try await identity.orRegion(of: definition.aws).client(), assetID, names: definition.names,
            polling: try polling(),
            lifetime: .seconds(hours * 3600))
    }

    /// The machines of a workspace, in the state directory, which is checked at once.
    func machines() throws -> @Sendable (AWSWorkspace) -> Machines {
        let state = try awsState
        return { workspace in
            Machines(
                workspace: workspace, runner: runner,
                directory: "\(state)/\(workspace.region)-\(workspace.stackName)",
                ownAddress: { try await ownAddress(workspace.client.world.transport) })
        }
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

    /// The state directory of EC2 instances. It belongs to the user, because several users may build on one host.
    private var awsState: String {
        get throws {
            let (name, path) =
                if let folder = variable("DSS_STATE") {
                    ("DSS_STATE", "\(folder)/aws")
                } else if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
                    ("XDG_STATE_HOME", "\(folder)/dss/aws")
                } else { ("HOME", "\(home)/.local/state/dss/aws") }
            return try folder(for: .state, path, from: name)
        }
    }

    /// The public address of this host as AWS sees it. Behind an HTTPS proxy, this is the address of the proxy, which
    /// SSH does not use.
    private func ownAddress(_ transport: any Transport) async throws -> String {
        let url = variable("DSS_CHECKIP_URL") ?? "https://checkip.amazonaws.com"
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
        if options.printTemplate { return standardOutput.write(stack.template) }
        let desk = DeploymentConsole(options: options, live: self)
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

extension Identity {
    /// The same caller, in the definition's region if no other source sets one.
    func orRegion(of aws: SandboxDefinition.AWS) async throws -> Identity {
        guard region == nil, let first = aws.regions.first else { return self }
        var identity = self
        let setting = Setting(first, origin: "the definition")
        try await identity.requireRegions([setting])
        identity.region = setting
        return identity
    }
}
