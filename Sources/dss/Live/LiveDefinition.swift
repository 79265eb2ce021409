import Definition
import Sandbox
import Workbench

/// The definition: flags, then environment, then file, then defaults.
extension Live {
    func loaded(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> LoadedSandbox {
        try source(options, formats: formats).loadSandbox()
    }

    /// The login user of the sandbox, or the default user if there is no definition.
    func sandboxUser(_ options: DefinitionOptions) throws -> String {
        let isDefined = fileExists(absolute(options.file)) || !options.settings.isEmpty
        return isDefined ? try loaded(options).definition.definition.user.name : SandboxDefinition.User().name
    }

    func source(_ options: DefinitionOptions, formats: [ImageFormat] = []) throws -> DefinitionSource {
        var overrides = try options.settings.map { try Override(set: $0) }
        if !formats.isEmpty {
            overrides.append(Override("formats", formats.map(\.rawValue).joined(separator: ","), flag: "--format"))
        }
        return DefinitionSource(
            file: options.file, overrides: overrides, environment: environment,
            currentDirectory: currentDirectory)
    }

    /// Names and tags from the definition, or the defaults if there is no definition.
    func names(_ options: DefinitionOptions) throws -> SandboxDefinition.Names {
        try fileExists(absolute(options.file)) ? loaded(options).definition.definition.names : .init()
    }

    /// The AWS settings of the definition, or the defaults if there is no definition.
    func cloud(_ options: DefinitionOptions) throws -> (names: SandboxDefinition.Names, aws: SandboxDefinition.AWS) {
        guard fileExists(absolute(options.file)) || !options.settings.isEmpty else { return (.init(), .init()) }
        let definition = try loaded(options).definition.definition
        return (definition.names, definition.aws)
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
