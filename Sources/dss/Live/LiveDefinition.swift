import Definition
import Provisioning
import Sandbox
import Workbench

/// The definition: flags, then environment, then file, then defaults.
extension Live {
    func loaded(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> LoadedSandbox {
        try checked(source(options, formats: formats).loadSandbox(), options)
    }

    /// The definition for a command that completes the pins.
    func loadedWithIncompletePins(_ options: DefinitionOptions) throws -> LoadedSandbox {
        try checked(source(options).loadSandbox(requiringCompletePins: false), options)
    }

    /// The definition, if Ansible can take the paths of its files.
    func checked(_ sandbox: LoadedSandbox, _ options: DefinitionOptions) throws -> LoadedSandbox {
        let playbook = sandbox.definition.definition.playbook
        for (key, path) in [("playbook.file", playbook.file), ("playbook.pins", playbook.pins)] {
            try FolderUse.definition.require(path, from: "\(key) of \(options.file)", inherited: inherited)
        }
        return sandbox
    }

    /// The definition for a command that also works without one, with defaults.
    func definition(ifPresent options: DefinitionOptions) throws -> SandboxDefinition? {
        try options.isPresent(in: self) ? loaded(options).definition.definition : nil
    }

    /// The login user of the sandbox, or the default user if there is no definition.
    func sandboxUser(_ options: DefinitionOptions) throws -> String {
        (try definition(ifPresent: options)?.user ?? .init()).name
    }

    func source(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> DefinitionSource {
        try options.checkName(in: self)
        var overrides = try options.settings.map { try Override(set: $0) }
        if !formats.isEmpty {
            overrides.append(Override("formats", formats.map(\.rawValue).joined(separator: ","), flag: "--format"))
        }
        return DefinitionSource(
            file: options.file, overrides: overrides, environment: environment, currentDirectory: currentDirectory,
            askIndex: { packages, definition in
                try? await withPackageIndex(of: definition, options) { try await $0.offer(packages) }
            })
    }

    /// Names and tags from the definition, or the defaults if there is no definition.
    func names(_ options: DefinitionOptions) throws -> SandboxDefinition.Names {
        try definition(ifPresent: options)?.names ?? .init()
    }

    /// The AWS settings of the definition, or the defaults if there is no definition.
    func cloud(_ options: DefinitionOptions) throws -> (names: SandboxDefinition.Names, aws: SandboxDefinition.AWS) {
        let definition = try definition(ifPresent: options)
        return (definition?.names ?? .init(), definition?.aws ?? .init())
    }

    /// The variants in the definition; each is validated like the definition itself.
    func variants(_ options: DefinitionOptions) throws -> [SandboxVariant] {
        let source = try source(options)
        let variants = try source.loadSandbox().definition.definition.variants ?? []
        guard !variants.isEmpty else {
            throw Failure(
                .badData, "\(options.file) defines no variants",
                advice: "add variants, for example variants: {big: {disk.size: 64GiB}}")
        }
        for variant in variants {
            var own = source
            own.overrides += variant.settings.map {
                Override($0.key, $0.value, flag: "variants.\(variant.name).\($0.key)")
            }
            do { _ = try own.loadSandbox() } catch var failure as Failure {
                failure.message = "variant '\(variant.name)' is invalid: \(failure.message)"
                throw failure
            }
        }
        return variants
    }
}
