import AWSProvider
import ArgumentParser
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// How results and progress are shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON: events line by line, or one document.")
    var json = false

    @Flag(name: .shortAndLong, help: "Also show what the tools themselves print.")
    var verbose = false
}

/// Which sandbox is meant.
struct DefinitionOptions: ParsableArguments {
    @Option(
        name: .customLong("definition"),
        help: ArgumentHelp("The definition of the sandbox.", valueName: "file"), completion: .file(extensions: ["yaml"])
    )
    var file = "sandbox.yaml"

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Sets a key of the definition, for example --set disk.size=12GiB; may be repeated.", valueName: "key=value")
    )
    var settings: [String] = []
}

/// Where finished images, running builds and reusable stages lie.
struct PlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder of finished images. [DSS_BUCKET]", valueName: "folder"), completion: .directory)
    var bucket: String?

    @Option(
        help: ArgumentHelp("The folder of reusable stages. [DSS_CACHE]", valueName: "folder"), completion: .directory)
    var cache: String?

    @Option(
        help: ArgumentHelp("The folder of running builds. [DSS_STATE]", valueName: "folder"), completion: .directory)
    var state: String?
}

/// The asset id of one build.
struct AssetOptions: ParsableArguments {
    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp(
            "The name under which everything is kept; the definition's version by default.", valueName: "id"))
    var assetID: String?

    func assetID(in definition: SandboxDefinition) throws -> AssetID {
        try assetID.map { try AssetID($0) } ?? definition.defaultAssetID
    }
}

/// Where the default password of the login user comes from; never from the command line, which others can see.
struct PasswordOptions: ParsableArguments {
    @Option(
        name: .customLong("default-password-file"),
        help: ArgumentHelp(
            "Reads the default password from a file's first line; '-' is standard input.", valueName: "file"),
        completion: .file())
    var file: String?

    @Flag(name: .customLong("ask-default-password"), help: "Asks for the default password.")
    var asks = false

    /// Prompt or file, else `DSS_DEFAULT_PASSWORD`, else one that is made here.
    func password(environment: [String: String]) throws -> DefaultPassword {
        if asks { return .given(try Self.ask()) }
        if let file { return .given(try Self.check(Self.firstLine(of: file), from: file)) }
        if let value = environment["DSS_DEFAULT_PASSWORD"] {
            return .given(try Self.check(value, from: "DSS_DEFAULT_PASSWORD"))
        }
        return .generated(Self.generate())
    }

    /// The default password of an existing image, which cannot be made up.
    func knownPassword(environment: [String: String]) throws -> Secret {
        guard case .given(let secret) = try password(environment: environment) else {
            throw Failure(
                .usage, "the default password of the image is needed",
                advice: "give it by --ask-default-password, --default-password-file or DSS_DEFAULT_PASSWORD")
        }
        return secret
    }

    private static func ask() throws -> Secret {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(.usage, "--ask-default-password needs a terminal", advice: "use --default-password-file")
        }
        guard let first = getpass("Default password: ").map({ String(cString: $0) }),
            let second = getpass("Once more: ").map({ String(cString: $0) })
        else { throw Failure(.usage, "no password was given") }
        guard first == second else { throw Failure(.usage, "the two passwords differ") }
        return try check(first, from: "the prompt")
    }

    private static func firstLine(of file: String) throws -> String {
        let text = file == "-" ? readLine(strippingNewline: true) : try readText(file)
        return text?.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    }

    private static func check(_ password: String, from source: String) throws -> Secret {
        guard !password.isEmpty else { throw Failure(.usage, "the default password from \(source) is empty") }
        guard !password.contains(where: \.isNewline) else {
            throw Failure(.usage, "the default password from \(source) has more than one line")
        }
        return Secret(password)
    }

    /// Four groups of letters and digits that cannot be mistaken for one another: 77 bits.
    private static func generate() -> Secret {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        let groups = (0..<4).map { _ in String((0..<4).map { _ in alphabet.randomElement()! }) }
        return Secret(groups.joined(separator: "-"))
    }
}

/// Which AMI is meant.
struct ImageOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("An AMI.", valueName: "ami-id"))
    var image: String?

    @Option(
        name: .customLong("asset-id"), help: ArgumentHelp("The asset id of the AMI, instead of it.", valueName: "id"))
    var assetID: String?

    func validate() throws {
        guard (image == nil) != (assetID == nil) else {
            throw ValidationError("Say which AMI is meant: its id, or --asset-id.")
        }
        if let image, image.wholeMatch(of: /ami-[0-9a-f]+/) == nil {
            throw ValidationError("'\(image)' is not the id of an AMI, such as ami-0123456789abcdef0.")
        }
    }

    var search: ImageSearch {
        get throws { try image.map { .id($0) } ?? .asset(AssetID(assetID ?? "")) }
    }
}
