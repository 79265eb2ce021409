import Sandbox

/// One key of `sandbox.yaml`: where it belongs in the definition and by which rule it is read and written.
struct Setting: Sendable {
    /// Dotted path: `disk.size`.
    let key: String
    let example: String
    /// Reads the item into the definition; false where it is wrong, which is then in the diagnostics.
    let apply: @Sendable (Item, inout SandboxDefinition, inout [Diagnostic]) -> Bool
    /// `nil` where it has none.
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

    /// A key that may be without a value.
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

    /// The environment variable that sets it: `disk.size` is `DSS_DISK_SIZE`.
    var environmentVariable: String { Self.environmentVariable(for: key) }

    static func environmentVariable(for key: String) -> String {
        "DSS_" + key.uppercased().replacing(".", with: "_")
    }
}

/// All keys of `sandbox.yaml`, in the order in which they are printed; `playbook.variables` alone has keys of its own
/// below it and is read by `PlaybookVariables`.
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

    /// The names that may stand directly below a section; the empty path is the file's top.
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

    /// What a person probably meant by an unknown key: a name in the same place, or one of that name elsewhere.
    static func suggestion(for name: String, below section: String) -> String? {
        let prefix = section.isEmpty ? "" : section + "."
        if let near = DidYouMean.closest(to: name, among: names(below: section)) { return "did you mean '\(near)'?" }
        if let elsewhere = keys.first(where: { $0.hasSuffix(".\(name)") || $0 == name }) {
            return "did you mean '\(elsewhere)'?"
        }
        if let near = DidYouMean.closest(to: prefix + name, among: keys) { return "did you mean '\(near)'?" }
        return "known here are \(names(below: section).joined(separator: ", "))"
    }
}

/// A value that a person wrote, with its place: the common form of what files, variables and flags say.
struct Item: Sendable {
    /// Dotted path of the key that it belongs to: `disk.size`; elements of a list carry the list's.
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
        /// Where the key stands, not its value.
        var place: Place
        var item: Item
    }

    /// A single value: its text as written, and what YAML takes it for.
    struct Scalar: Sendable {
        enum Kind: Sendable, Equatable {
            case text, fraction, nothing
            case integer(Int?)
            case boolean(Bool)
        }

        var text: String
        var kind: Kind
        /// From a flag or a variable, where nothing can be quoted and every value is text at first.
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

    /// What stands there, in words for a message.
    var found: String {
        switch content {
        case .list: return "a list"
        case .map: return "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .nothing: return scalar.text.isEmpty ? "nothing" : "'\(scalar.text)', which means nothing"
            case .boolean: return "the truth value '\(scalar.text)'"
            case .integer, .fraction: return scalar.isRaw ? "'\(scalar.text)'" : "the number \(scalar.text)"
            case .text: return scalar.isRaw ? "'\(scalar.text)'" : "the text '\(scalar.text)'"
            }
        }
    }
}
