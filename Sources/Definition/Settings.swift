import Sandbox

/// One key of `sandbox.yaml`: its property of the definition, and the rule that reads and writes it.
struct Setting: Sendable {
    /// Dotted path: `disk.size`.
    let key: String
    let example: String
    /// Reads the item into the definition; returns `false` and adds diagnostics if the item is invalid.
    let apply: @Sendable (Item, inout SandboxDefinition, inout [Diagnostic]) -> Bool
    /// The value of the key; `nil` if it is not set.
    let value: @Sendable (SandboxDefinition) -> Variable?

    init<Value>(
        _ key: String, _ path: any WritableKeyPath<SandboxDefinition, Value> & Sendable, _ rule: Rule<Value>
    ) {
        self.key = key
        example = rule.example
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { rule.write($0[keyPath: path]) }
    }

    /// Creates an optional key.
    init<Value>(
        _ key: String, optional path: any WritableKeyPath<SandboxDefinition, Value?> & Sendable, _ rule: Rule<Value>
    ) {
        self.key = key
        example = rule.example
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { $0[keyPath: path].map(rule.write) }
    }

    /// The environment variable that sets the key: `DSS_DISK_SIZE` for `disk.size`.
    var environmentVariable: String { Self.environmentVariable(for: key) }

    static func environmentVariable(for key: String) -> String {
        "DSS_" + key.uppercased().replacing(".", with: "_")
    }
}

/// All keys of `sandbox.yaml`, in the order in which they are printed, except `playbook.variables`: its keys are chosen
/// by the user, and `PlaybookVariables` reads it.
enum Settings {
    static let all: [Setting] = [
        Setting("name", \.name, .sandboxName),
        Setting("version", \.version, .version),
        Setting("base.distribution", \.base.distribution, .choice()),
        Setting("base.suite", \.base.suite, .suite),
        Setting("base.mirror", \.base.mirror, .mirror),
        Setting("base.architecture", \.base.architecture, .choice()),
        Setting("disk.size", \.disk.sizeMiB, .size(in: .mebi, 4096...2_097_152, example: "8GiB")),
        Setting("user.name", \.user.name, .userName),
        Setting("playbook.file", \.playbook.file, .path(example: "playbook/site.yml")),
        Setting("playbook.pins", \.playbook.pins, .path(example: "pins.yaml")),
        Setting(
            "playbook.checkpoints", \.playbook.checkpoints,
            .list(of: .roleName, mayBeEmpty: true, example: "[docker, jupyter]")),
        Setting("ports.jupyter", \.ports.jupyter, .port(example: "49494")),
        Setting("formats", \.formats, .list(of: .choice(), example: "[vhd, vmdk]")),
        Setting("github.repository", \.github.repository, .repository),
        Setting("aws.regions", \.aws.regions, .list(of: .region, example: "[eu-central-1]")),
        Setting("aws.instance_type", \.aws.instanceType, .instanceType),
        Setting("aws.volume_size", \.aws.volumeSizeGiB, .size(in: .gibi, 8...16384, example: "100GiB")),
        Setting("aws.source_image.owner", \.aws.sourceImage.owner, .imageOwner),
        Setting("aws.source_image.name", \.aws.sourceImage.name, .imageName),
        Setting("aws.source_image.parameter", optional: \.aws.sourceImage.parameter, .imageParameter),
        Setting("names.tag_key", \.names.tagKey, .tagKey),
        Setting("names.bucket_prefix", \.names.bucketPrefix, .bucketPrefix),
        Setting("names.ami", \.names.ami, .amiName),
        Setting("names.stack", \.names.stack, .stackName),
        Setting("variants", optional: \.variants, .variants),
    ]

    static let variables = "playbook.variables"

    static let byKey: [String: Setting] = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })

    static let keys: [String] = all.map(\.key) + [variables]

    /// The names that are allowed directly below a section; the empty path is the top level of the file.
    static func names(below section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        var names: [String] = []
        for key in keys where key.hasPrefix(prefix) {
            let name = String(key.dropFirst(prefix.count).prefix { $0 != "." })
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    static func isSection(_ key: String) -> Bool {
        keys.contains { $0.hasPrefix(key + ".") }
    }

    /// The key that the user probably meant by an unknown one: a similar name in the same section, or the same name in
    /// another section.
    static func suggestion(for name: String, below section: String) -> String? {
        let prefix = section.isEmpty ? "" : section + "."
        if let near = DidYouMean.closest(to: name, among: names(below: section)) { return "did you mean '\(near)'?" }
        if let elsewhere = keys.first(where: { $0.hasSuffix(".\(name)") || $0 == name }) {
            return "did you mean '\(elsewhere)'?"
        }
        if let near = DidYouMean.closest(to: prefix + name, among: keys) { return "did you mean '\(near)'?" }
        return "valid keys here are \(names(below: section).joined(separator: ", "))"
    }
}

/// A value that the user set, with its place: the common representation for files, environment variables and flags.
struct Item: Sendable {
    /// Dotted path of its key: `disk.size`; elements of a list have the key of the list.
    var key: String
    var place: Place
    var content: Content

    enum Content: Sendable {
        case scalar(Scalar)
        case list([Item])
        case map([Entry])
    }

    struct Entry: Sendable {
        var name: String
        /// The place of the key, not of its value.
        var place: Place
        var item: Item
    }

    /// A single value: its text as written, and the type that YAML gives it.
    struct Scalar: Sendable {
        enum Kind: Sendable, Equatable {
            case text, fraction, nothing
            case integer(Int?)
            case boolean(Bool)
        }

        var text: String
        var kind: Kind
        /// Whether it comes from a flag or an environment variable, where nothing is quoted and every value is text.
        var isRaw = false
    }

    var isNothing: Bool {
        if case .scalar(let scalar) = content { scalar.kind == .nothing } else { false }
    }

    var entries: [Entry]? {
        if case .map(let entries) = content { entries } else { nil }
    }

    subscript(name: String) -> Item? {
        entries?.first { $0.name == name }?.item
    }

    /// A description of the value for error messages.
    var found: String {
        switch content {
        case .list: return "a list"
        case .map: return "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .nothing: return scalar.text.isEmpty ? "nothing" : "'\(scalar.text)' (null)"
            case .boolean: return "the boolean '\(scalar.text)'"
            case .integer, .fraction: return scalar.isRaw ? "'\(scalar.text)'" : "the number \(scalar.text)"
            case .text: return scalar.isRaw ? "'\(scalar.text)'" : "the string '\(scalar.text)'"
            }
        }
    }
}
