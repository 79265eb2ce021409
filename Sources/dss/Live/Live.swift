import Definition
import DiskImages
import FoundationEssentials
import Glibc
import LocalProvider
import Provisioning
import Sandbox
import Workbench

/// The real world: environment, programs, directories and clock. Nothing else in this program accesses them.
struct Live: Sendable {
    let environment: [String: String]
    let runner = SystemCommandRunner()

    /// Environment variables in which the AWS CLI and other sources of credentials pass secrets.
    static let secretVariables = [
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "DOCKER_REGISTRY_PASSWORD",
        "GH_TOKEN", "GITHUB_TOKEN",
    ]

    /// Reads the environment and removes secrets from it, so that no subprocess inherits them.
    init() {
        environment = ProcessInfo.processInfo.environment
        for name in ["DSS_DEFAULT_PASSWORD"] + Self.secretVariables { unsetenv(name) }
    }

    func requireRoot(for command: String) throws {
        guard geteuid() == 0 else {
            throw Failure(.noPermission, "'\(command)' must run as root", advice: "sudo \(command)")
        }
    }

    // The definition: flags, then environment, then file, then defaults.

    func loaded(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> LoadedSandbox {
        try source(options, formats: formats).loadSandbox()
    }

    /// The definition for a command that also works without one, with defaults.
    func definition(ifPresent options: DefinitionOptions) throws -> SandboxDefinition? {
        try options.isPresent ? loaded(options).definition.definition : nil
    }

    /// The login user of the sandbox, or the default user if there is no definition.
    func sandboxUser(_ options: DefinitionOptions) throws -> String {
        (try definition(ifPresent: options)?.user ?? .init()).name
    }

    func source(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> DefinitionSource {
        if options.named != nil { _ = try options.isPresent }
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
            runner: runner, factory: await factory(place),
            folder: folder(order.assetID, order.definition.names, place), stateDirectory: state(place),
            programDigest: try sha256(of: "/proc/self/exe"), now: { Date() })
    }

    /// The assets on this machine whose asset ids match a pattern.
    func assets(
        _ options: DefinitionOptions, _ place: DirectoryOptions, _ pattern: String
    ) async throws -> LocalAssets {
        let names = try names(options)
        return LocalAssets(
            store: store(place), prefix: names.bucketPrefix, factory: await factory(place),
            stateDirectory: state(place), AssetPattern(pattern))
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
        Manifest.read("\(parentDirectory(image))/\(Manifest.fileName)")
    }

    /// A program from the virtual environment beside the definition, which `make` sets up, else the one in `PATH`.
    func tool(_ name: String, _ options: DefinitionOptions) -> String {
        let beside = absolute("\(parentDirectory(options.file))/.venv/bin/\(name)")
        return access(beside, X_OK) == 0 ? beside : name
    }

    func factory(_ place: DirectoryOptions) async -> LocalMachineFactory {
        LocalMachineFactory(
            runner: runner, cacheDirectory: folder(place.cache, "DSS_CACHE", "/var/cache/dss"),
            stateDirectory: state(place), host: await .read(environment: environment, runner: runner))
    }

    func store(_ place: DirectoryOptions) -> DirectoryStore {
        DirectoryStore(folder(place.bucket, "DSS_BUCKET", "/var/lib/dss/bucket"))
    }

    private func state(_ place: DirectoryOptions) -> String {
        folder(place.state, "DSS_STATE", "/var/lib/dss")
    }

    /// Flag, then environment, then default, as an absolute path.
    private func folder(_ flag: String?, _ variable: String, _ standard: String) -> String {
        absolute(flag ?? environment[variable] ?? standard)
    }

    func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }
}
