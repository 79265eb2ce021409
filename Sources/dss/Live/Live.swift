import FoundationEssentials
import Glibc
import Reporting
import Sandbox
import Workbench

/// The outside world of a command: environment, terminals, programs, network and clock.
///
/// `Main` makes the real one and hands it to the command; a test makes its own. A command reaches nothing outside but
/// through it.
struct Live: Sendable {
    /// The environment, including secrets.
    let environment: [String: String]
    let currentDirectory: String
    let home: String
    let isRoot: Bool
    let standardOutput: Terminal
    let standardError: Terminal
    let keyboard: Keyboard
    let runner: any CommandRunner
    let network: any Network
    /// Measures durations.
    let clock: any Clock<Duration>
    /// The date and time.
    let now: @Sendable () -> Date
}

extension Live {
    /// Environment variables in which the AWS CLI and other sources of credentials pass secrets.
    static let secretVariables = [
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "DOCKER_REGISTRY_PASSWORD",
        "GH_TOKEN", "GITHUB_TOKEN",
    ]

    /// The world of this process. Removes secrets from its environment, so that no subprocess inherits them; a second
    /// call would therefore miss them.
    static func process() -> Live {
        let environment = ProcessInfo.processInfo.environment
        for name in ["DSS_DEFAULT_PASSWORD"] + secretVariables { unsetenv(name) }
        return Live(
            environment: environment, currentDirectory: FileManager.default.currentDirectoryPath,
            home: environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path,
            isRoot: geteuid() == 0,
            standardOutput: Terminal(descriptor: STDOUT_FILENO, environment: environment),
            standardError: Terminal(descriptor: STDERR_FILENO, environment: environment),
            keyboard: .standardInput, runner: SystemCommandRunner(), network: Internet(), clock: ContinuousClock(),
            now: { Date() })
    }

    func requireRoot(for command: String) throws {
        guard isRoot else {
            throw Failure(.noPermission, "'\(command)' must run as root", advice: "sudo \(command)")
        }
    }

    /// The value of an environment variable; an empty value counts as unset.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

<<<<<<< ours
    func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(currentDirectory)/\(path)"
=======
    /// The login user of the sandbox, or the default user if there is no definition.
    func sandboxUser(_ options: DefinitionOptions) throws -> String {
        (try definition(ifPresent: options)?.user ?? .init()).name
    }

    func source(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> DefinitionSource {
        try options.checkName()
        var overrides = try options.settings.map { try Override(set: $0) }
        if !formats.isEmpty {
            overrides.append(Override("formats", formats.map(\.rawValue).joined(separator: ","), flag: "--format"))
        }
        return DefinitionSource(
            file: options.file, overrides: overrides, environment: environment,
            currentDirectory: FileManager.default.currentDirectoryPath)
    }

    // The local provider.

    func provider(for order: BuildOrder, _ place: DirectoryOptions) async throws -> LocalVMProvider {
        LocalVMProvider(
            runner: runner, factory: await factory(place), bucket: bucket(place, order.definition.names.bucketPrefix),
            stateDirectory: state(place), assetID: order.assetID,
            programDigest: try sha256(of: "/proc/self/exe"), now: { Date() })
    }

    /// The assets on this machine whose asset ids match a pattern.
    func assets(
        _ options: DefinitionOptions, _ place: DirectoryOptions, _ pattern: String
    ) async throws -> LocalAssets {
        let names = try names(options)
        return LocalAssets(
            bucket: bucket(place, names.bucketPrefix), factory: await factory(place), stateDirectory: state(place),
            AssetPattern(pattern))
    }

    /// - Parameter reconnects: Whether to retry a lost connection, as makes sense for a remote machine.
    func provisioner(_ options: DefinitionOptions, reconnects: Bool = false) -> AnsibleProvisioner {
        AnsibleProvisioner(
            runner: runner, ansible: tool("ansible-playbook", options),
            reconnectPauses: reconnects ? [2, 5, 10, 20, 40, 60].map { .seconds($0) } : []
        ) { definition in
            try await withPackageIndex(of: definition, options) { check in
                try await check.check(try loaded(options).pins.pins).filter { $0.state == .gone }.map(\.sentence)
            }
        }
    }

    func withPackageIndex<Result>(
        of definition: SandboxDefinition, _ options: DefinitionOptions, _ body: (PinsCheck) async throws -> Result
    ) async throws -> Result {
        let sources = try await HostSettings.read(environment: environment, runner: runner).sourcesText(
            for: definition.base)
        var repositories: [String: String] = [:]
        if case .string(let url)? = definition.playbook.variables["script_languages_url"] {
            repositories["script-languages-release"] = url
        }
        return try await PackageIndex.with(
            sources: sources, architecture: definition.base.architecture, python: tool("python3", options),
            runner: runner
        ) { try await body(PinsCheck(index: $0, repositories: repositories)) }
    }

    /// The manifest beside an image that is still where it was exported.
    func manifest(beside image: String) -> Manifest? {
        try? Manifest.read("\(parentDirectory(image))/\(Manifest.fileName)")
    }

    /// A program from the virtual environment beside the definition, which `make` sets up, else the one in `PATH`.
    func tool(_ name: String, _ options: DefinitionOptions) -> String {
        let beside = absolute("\(parentDirectory(options.file))/.venv/bin/\(name)")
        return access(beside, X_OK) == 0 ? beside : name
>>>>>>> theirs
    }

    /// The absolute path of a file that must exist.
    func existing(_ file: String?) throws -> String? {
        guard let path = file.map(absolute) else { return nil }
        guard fileExists(path) else { throw Failure(.badData, "file \(path) does not exist") }
        return path
    }
}

/// Printing.
extension Live {
    /// Prints the result of a command to standard output.
    func show(_ facts: FactSheet, json isJSON: Bool) {
        standardOutput.write(isJSON ? facts.json.pretty + "\n" : facts.text(standardOutput.style))
    }

    func show(_ table: Table, as format: OutputFormat) {
        standardOutput.write(table.rendered(as: format, standardOutput.style))
    }

    func show(_ table: Table, json isJSON: Bool) {
        show(table, as: isJSON ? .json : .text)
    }

    /// Prints a warning to standard error.
    @Sendable func warn(_ text: String) {
        standardError.write(Message.warning(text, standardError.style))
    }
}
