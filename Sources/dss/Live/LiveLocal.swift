import Definition
import Glibc
import LocalProvider
import Provisioning
import Sandbox
import Workbench

/// Builds on this host.
extension Live {
    func provider(
        for order: BuildOrder, _ options: DefinitionOptions, _ place: DirectoryOptions
    ) async throws -> LocalVMProvider {
        LocalVMProvider(
            runner: runner, factory: try await factory(place, for: order, options),
            folder: try folder(order.assetID, order.definition.names, place), stateDirectory: try state(place),
            programDigest: try sha256(of: "/proc/self/exe"), now: now)
    }

    /// The assets on this machine whose asset ids match a pattern.
    /// - Parameter isOfLeftovers: whether finished images are left out.
    func assets(
        _ options: DefinitionOptions, _ place: DirectoryOptions, _ pattern: String, isOfLeftovers: Bool = false
    ) async throws -> LocalAssets {
        LocalAssets(
            store: try store(place), prefix: try names(options).bucketPrefix, factory: try await factory(place),
            stateDirectory: try state(place), AssetPattern(pattern), isOfLeftovers: isOfLeftovers)
    }

    /// - Parameter reconnects: Whether to retry a lost connection, as makes sense for a remote machine.
    func provisioner(_ options: DefinitionOptions, reconnects: Bool = false) -> AnsibleProvisioner {
        AnsibleProvisioner(
            runner: runner, ansible: tool("ansible-playbook", options),
            reconnectPauses: reconnects ? [2, 5, 10, 20, 40, 60].map { .seconds($0) } : []
        ) { definition, suspects in
            try await withPackageIndex(of: definition, options) {
                try await $0.gone(try loaded(options).pins.pins, suspects)
            }
        }
    }

    /// Shows on standard error what is looked up, which can take minutes.
    func withPackageIndex<Result>(
        of definition: SandboxDefinition, _ options: DefinitionOptions, _ body: (PinsCheck) async throws -> Result
    ) async throws -> Result {
        let line = ActivityLine(self)
        defer { line.clear() }
        let events = line.sink
        events(.progress(.install, Progress("downloading the package index")))
        let sources = await HostSettings.read(environment: environment, runner: runner).sourcesText(
            for: definition.base)
        var repositories: [String: String] = [:]
        if case .string(let url)? = definition.playbook.variables["script_languages_url"] {
            repositories["script-languages-release"] = url
        }
        return try await PackageIndex.with(
            sources: sources, architecture: definition.base.architecture, python: tool("python3", options),
            runner: runner
        ) { try await body(PinsCheck(index: $0, repositories: repositories, events: events)) }
    }

    /// The manifest beside an image that is still where it was exported.
    func manifest(beside image: String) -> Manifest? {
        Manifest.read("\(parentDirectory(image))/\(Manifest.fileName)")
    }

    /// A program from the virtual environment beside the definition, which `make` sets up, else the one in `PATH`, else
    /// the one that came with this program.
    func tool(_ name: String, _ options: DefinitionOptions) -> String {
        let isProgram = { (path: String) in access(path, X_OK) == 0 }
        let beside = absolute("\(parentDirectory(options.file))/.venv/bin/\(name)")
        if isProgram(beside) { return beside }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        if folders.contains(where: { isProgram("\($0)/\(name)") }) { return name }
        if let own = ProgramFolder.path.map({ "\($0)/.venv/bin/\(name)" }), isProgram(own) { return own }
        return name
    }

    func factory(_ place: DirectoryOptions) async throws -> LocalMachineFactory {
        LocalMachineFactory(
            runner: runner,
            cacheDirectory: try folder(
                for: .cache, ("--cache", place.cache), "DSS_CACHE", DirectoryOptions.standardCache),
            stateDirectory: try state(place), host: await .read(environment: environment, runner: runner),
            typed: invocation.arguments)
    }

    /// The factory for a build. For a release, it looks first whether what the release must contain can be had.
    func factory(
        _ place: DirectoryOptions, for order: BuildOrder, _ options: DefinitionOptions
    ) async throws -> LocalMachineFactory {
        var factory = try await factory(place)
        if order.isRelease,
            let clone = CloneCheck(
                order.definition, pins: try loaded(options).pins.pins, hostAddress: MachineNetwork.hostAddress)
        {
            factory.beforeBuilding = clone.asked(by: runner)
        }
        return factory
    }

    func store(_ place: DirectoryOptions) throws -> DirectoryStore {
        DirectoryStore(
            try folder(for: .bucket, ("--bucket", place.bucket), "DSS_BUCKET", DirectoryOptions.standardBucket))
    }

    private func state(_ place: DirectoryOptions) throws -> String {
        try folder(for: .state, ("--state", place.state), "DSS_STATE", DirectoryOptions.standardState)
    }

    /// The directory for the Docker image of an asset id.
    func folder(
        _ assetID: AssetID, _ names: SandboxDefinition.Names, _ place: DirectoryOptions
    ) throws -> AssetFolder<DirectoryStore> {
        AssetFolder(try store(place), assetID, under: names.bucketPrefix)
    }

    func dockerOrder(
        _ build: BuildOrder, _ options: DockerOptions, on factory: LocalMachineFactory, folder: String
    ) async throws -> DockerOrder {
        let definition = build.definition
        let version = options.imageVersion ?? build.assetID.rawValue
        let commit = await commit(in: folder)
        return try DockerOrder(
            build, repository: try options.repository(definition), version: version, compression: options.compression,
            inputs: try factory.inputs(of: build), revision: commit?.id,
            created: environment["SOURCE_DATE_EPOCH"].flatMap { Int($0) } ?? commit?.time,
            programDigest: try sha256(of: "/proc/self/exe"))
    }

    func push(_ order: DockerOrder, user: String?) throws -> Push {
        Push(
            runner: runner, repository: order.repository,
            credentials: try RegistryCredentials(user: user, environment: environment))
    }

    /// The current commit of a directory; `nil` if it is not under version control.
    private func commit(in folder: String) async -> (id: String, time: Int)? {
        let git = Command.git(in: folder, ["log", "--no-show-signature", "--max-count=1", "--format=%H %ct"])
        guard let output = try? await runner.execute(git), output.status.isSuccess else { return nil }
        let words = output.standardOutput.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let time = Int(words[1]) else { return nil }
        return (String(words[0]), time)
    }
}

extension CloneCheck {
    /// The check as what a factory calls before it builds.
    fileprivate func asked(by runner: some CommandRunner) -> @Sendable (Int) async throws -> Void {
        { try await check(stepsDone: $0, runner) }
    }
}
