import AWSProvider
import ArgumentParser
import FoundationEssentials
import Sandbox
import Workbench

/// The words of options that many commands have.
extension ArgumentHelp {
    static var json: ArgumentHelp { "Print JSON" }
    static var jsonFormat: ArgumentHelp { "Same as --format json" }
    static var plan: ArgumentHelp {
        "Show what would be built or refused, and which inputs changed since the last build, without building"
    }
    static var yes: ArgumentHelp { "Skip confirmation" }
    static var dryRun: ArgumentHelp { "Show what would be removed, without removing it" }
}

/// How to print results and progress.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON: one event per line, or one document")
    var json = false

    @Flag(name: .shortAndLong, help: "Also show the output of external tools")
    var verbose = false
}

/// The definition file of the sandbox, and overrides of its keys.
struct DefinitionOptions: ParsableArguments {
    @Option(
        name: .customLong("definition"),
        help: ArgumentHelp("Definition of the sandbox (default: \(Self.standard))", valueName: "file"),
        completion: .file(extensions: ["yaml"]))
    var named: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of the definition, for example --set disk.size=12GiB or, for a list, --set formats=vhd,ova "
                + "or --set 'formats=[vhd, ova]' (repeatable)",
            valueName: "key=value")
    )
    var settings: [String] = []

    private static let standard = "sandbox.yaml"

    var file: String { named ?? Self.standard }

    /// - Throws: `Failure` if a file was named that does not exist.
    func checkName(in live: Live) throws {
        if let named, !fileExists(live.absolute(named)) { throw Failure(.badData, "definition '\(named)' not found") }
    }

    /// Whether there is a definition, for a command that also works without one.
    /// - Throws: `Failure` if a file is missing that the user counts on: one that was named, or the one that `--set`
    ///   overrides.
    func isPresent(in live: Live) throws -> Bool {
        try checkName(in: live)
        if fileExists(live.absolute(file)) { return true }
        guard settings.isEmpty else {
            throw Failure(
                .usage, "--set needs a definition to override, but '\(file)' was not found",
                advice: "change to the directory of \(file), or pass --definition FILE")
        }
        return false
    }
}

/// The directories of finished images, running builds and the cache.
struct DirectoryOptions: ParsableArguments {
    static let standardBucket = "/var/lib/dss/bucket"
    static let standardCache = "/var/cache/dss"
    static let standardState = "/var/lib/dss"

    @Option(
        help: ArgumentHelp(
            "Directory of finished images (default: \(Self.standardBucket)) [env: DSS_BUCKET]", valueName: "folder"),
        completion: .directory)
    var bucket: String?

    @Option(
        help: ArgumentHelp("Cache directory (default: \(Self.standardCache)) [env: DSS_CACHE]", valueName: "folder"),
        completion: .directory)
    var cache: String?

    @Option(
        help: ArgumentHelp(
            "State directory of running builds (default: \(Self.standardState)) [env: DSS_STATE]", valueName: "folder"),
        completion: .directory)
    var state: String?
}

/// The asset id of a build.
struct AssetOptions: ParsableArguments {
    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp(
            "Asset id of the build (default: the version in the definition)", valueName: "id"))
    var assetID: String?

    func assetID(in definition: SandboxDefinition) throws -> AssetID {
        try assetID.map { try AssetID($0) } ?? definition.defaultAssetID
    }
}

/// The source of the login user's default password. It is never an argument, because other users can read those.
struct PasswordOptions: ParsableArguments {
    @Option(
        name: .customLong("default-password-file"),
        help: ArgumentHelp(
            "Read the default password from the first line of a file; '-' reads standard input", valueName: "file"),
        completion: .file())
    var file: String?

    @Flag(name: .customLong("ask-default-password"), help: "Prompt for the default password")
    var asks = false

    /// The password from the prompt or the file, else from `DSS_DEFAULT_PASSWORD`, else a generated one.
    ///
    /// - Parameter isNew: Whether the password is about to be set. A mistyped one would lock everybody out, so the
    ///   prompt asks twice; that of an existing image need not be repeated, since the login fails.
    func password(in live: Live, isNew: Bool = true) throws -> DefaultPassword {
        if asks { return .given(try Self.ask(live.keyboard, twice: isNew)) }
        if let file { return .given(try Self.read(file, live.keyboard)) }
        if let value = live.environment["DSS_DEFAULT_PASSWORD"] {
            return .given(try Self.check(value, from: "DSS_DEFAULT_PASSWORD"))
        }
        return .generated(Self.generate())
    }

    /// The default password of an existing image, which cannot be generated.
    func knownPassword(in live: Live) throws -> Secret {
        guard case .given(let secret) = try password(in: live, isNew: false) else {
            throw Failure(
                .usage, "the default password of the image is required",
                advice: "use --ask-default-password, --default-password-file or DSS_DEFAULT_PASSWORD")
        }
        return secret
    }

    private static func ask(_ keyboard: Keyboard, twice: Bool) throws -> Secret {
        guard keyboard.isTerminal else {
            throw Failure(.usage, "--ask-default-password requires a terminal", advice: "use --default-password-file")
        }
        guard let first = keyboard.password("Default password: "),
            let second = twice ? keyboard.password("Repeat default password: ") : first
        else { throw Failure(.usage, "no password was entered") }
        guard first == second else { throw Failure(.usage, "the passwords do not match") }
        return try check(first, from: "the prompt")
    }

    private static func read(_ file: String, _ keyboard: Keyboard) throws -> Secret {
        let source = file == "-" ? "standard input" : file
        do {
            let line = file == "-" ? try SecretLine.parse(keyboard.firstLine()) : try SecretLine.read(file)
            return try check(line, from: source)
        } catch let mistake as SecretLine.Mistake {
            throw Failure(
                .badData, "the default password from \(source) \(mistake.reason)",
                advice: "write it into a file of its own, as one line of UTF-8 text")
        }
    }

    private static func check(_ password: String, from source: String) throws -> Secret {
        guard !password.isEmpty else { throw Failure(.usage, "the default password from \(source) is empty") }
        guard !password.contains(where: \.isNewline) else {
            throw Failure(.usage, "the default password from \(source) has more than one line")
        }
        if let reason = SecretLine.mistake(in: password) {
            throw Failure(.usage, "the default password from \(source) \(reason)")
        }
        return Secret(password)
    }

    /// Generates four groups of letters and digits without look-alike characters; about 79 bits of entropy.
    private static func generate() -> Secret {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        let groups = (0..<4).map { _ in String((0..<4).map { _ in alphabet.randomElement()! }) }
        return Secret(groups.joined(separator: "-"))
    }
}

/// The default password that a build sets. Everybody who has the image can guess at it, so a short one is refused.
struct NewPasswordOptions: ParsableArguments {
    /// Below 12 characters, a random password can be found by trying, once its hash is read from the image.
    static let minimumLength = 12

    @OptionGroup var source: PasswordOptions

    @Flag(
        name: .customLong("allow-weak-default-password"),
        help: "Accept a default password of fewer than \(NewPasswordOptions.minimumLength) characters")
    var allowsWeak = false

    func password(in live: Live) throws -> DefaultPassword {
        let password = try source.password(in: live)
        guard allowsWeak || password.secret.reveal.count >= Self.minimumLength else {
            throw Failure(
                .usage, "the default password has fewer than \(Self.minimumLength) characters",
                advice: "use a longer one, or --allow-weak-default-password")
        }
        return password
    }
}

/// Selects an AMI by its id or its asset id.
struct ImageOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("AMI id", valueName: "ami-id"))
    var image: String?

    @Option(
        name: .customLong("asset-id"), help: ArgumentHelp("Asset id of the AMI, instead of the AMI id", valueName: "id")
    )
    var assetID: String?

    func validate() throws {
        guard (image == nil) != (assetID == nil) else {
            throw ValidationError("specify either an AMI id or --asset-id")
        }
        if let image, image.wholeMatch(of: /ami-[0-9a-f]+/) == nil {
            throw ValidationError("'\(image)' is not an AMI id such as ami-0123456789abcdef0")
        }
    }

    var search: ImageReference {
        get throws { try image.map { .id($0) } ?? .asset(AssetID(assetID ?? "")) }
    }
}
