import Sandbox

/// One key of `sandbox.yaml`: its property of the definition, and the rule that reads and writes it.
struct Setting: Sendable {
    /// Dotted path: `disk.size`.
    let key: String
    let example: String
    /// The meaning of the key, in Markdown.
    let meaning: String
    /// The allowed values, in words.
    let allowed: String
    /// The default in words, in Markdown, if it is not a fixed value.
    let fallback: String?
    /// Reads the item into the definition; returns `false` and adds diagnostics if the item is invalid.
    let apply: @Sendable (Item, inout SandboxDefinition, inout [Diagnostic]) -> Bool
    /// The value of the key; `nil` if it is not set.
    let value: @Sendable (SandboxDefinition) -> Variable?

    init<Value>(
        _ key: String, _ path: any WritableKeyPath<SandboxDefinition, Value> & Sendable, _ rule: Rule<Value>,
        _ meaning: String, default fallback: String? = nil
    ) {
        self.key = key
        self.meaning = meaning
        self.fallback = fallback
        (allowed, example) = (rule.allowed, rule.example)
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { rule.write($0[keyPath: path]) }
    }

    /// Creates an optional key.
    init<Value>(
        _ key: String, optional path: any WritableKeyPath<SandboxDefinition, Value?> & Sendable, _ rule: Rule<Value>,
        _ meaning: String, default fallback: String? = nil
    ) {
        self.key = key
        self.meaning = meaning
        self.fallback = fallback
        (allowed, example) = (rule.allowed, rule.example)
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { $0[keyPath: path].map(rule.write) }
    }

    /// The environment variable that sets the key: `DSS_DISK_SIZE` for `disk.size`.
    var environmentVariable: String { Self.environmentVariable(for: key) }

    /// The name of a playbook variable keeps its case.
    static func environmentVariable(for key: String) -> String {
        let name = key.hasPrefix(Settings.variables + ".") ? key.dropFirst(Settings.variables.count) : ""
        return ("DSS_" + key.dropLast(name.count).uppercased() + name).replacing(".", with: "_")
    }
}

/// All keys of `sandbox.yaml`, in the order in which they are printed, except `playbook.variables`: its keys are chosen
/// by the user, and `PlaybookVariables` reads it.
enum Settings {
    static let all: [Setting] = [
        Setting(
            "name", \.name, .sandboxName, "Name of the sandbox. The file names of its images start with it.",
            default: required),
        Setting(
            "version", \.version, .version,
            "Version of the release. It is also the asset id of a build without `--asset-id`.", default: required),
        Setting(
            "base.distribution", \.base.distribution, .choice(), "Distribution that the sandbox is installed on."),
        Setting(
            "base.suite", \.base.suite, .suite,
            "Code name of the release of the distribution. The pins file must be for the same release.",
            default: "`\(Suites.defaultSuite(of: .debian))`, or `\(Suites.defaultSuite(of: .ubuntu))` for Ubuntu"),
        Setting(
            "base.mirror", \.base.mirror, .mirror,
            """
            Package mirror of local builds, with the suites of the release and its updates. `host` stands for the \
            package sources of the host, including security updates. A user name and a password in the URL are used \
            during the build only.
            """),
        Setting(
            "base.security_mirror", optional: \.base.securityMirror, .securityMirror,
            """
            Mirror of security updates during local builds. `none` builds without them, for a mirror that has none and \
            a host without a network.
            """,
            default: """
                with a URL as `base.mirror`, Debian's public archive of security updates, or for Ubuntu the same \
                mirror; otherwise that of the host
                """),
        Setting(
            "base.sources", \.base.sources, .choice(),
            """
            Package sources of the finished sandbox: the public archives of the distribution with updates and \
            security updates, or `mirror` for `base.mirror` and `base.security_mirror` without user names and passwords. \
            An AMI that is built on AWS keeps the sources of the image that it starts from.
            """),
        Setting(
            "base.architecture", \.base.architecture, .choice(),
            "Processor architecture. The formats `vhd` and `ova` require BIOS firmware and therefore `amd64`."),
        Setting(
            "disk.size", \.disk.sizeMiB, .size(in: .mebi, 4096...2_097_152, example: "8GiB"),
            """
            Virtual size of the disk. The image files are smaller, and the root file system grows to the size of its \
            disk at the first boot. A `vhd` or `vhd-fixed` image holds at most 2040GiB, and a `gcp` image needs whole GiB.
            """),
        Setting(
            "user.name", \.user.name, .userName,
            "Login user, a member of the groups `sudo` and `docker`. JupyterLab runs as this user."),
        Setting(
            "playbook.file", \.playbook.file, .path(example: "playbook/site.yml"),
            "Ansible playbook with a single play, which has a list of roles.", default: "`playbook/site.yml`"),
        Setting(
            "playbook.pins", \.playbook.pins, .path(example: "pins.yaml"),
            "File with the versions of all packages. `dss pins` checks and updates it.", default: "`pins.yaml`"),
        Setting(
            "playbook.checkpoints", \.playbook.checkpoints,
            .list(of: .roleName, mayBeEmpty: true, example: "[docker, jupyter]"),
            "Roles after which the installed system is cached. It is always cached after the last role.",
            default: "the second-to-last role"),
        Setting("ports.jupyter", \.ports.jupyter, .port(example: "49494"), "Port that JupyterLab listens on."),
        Setting(
            "formats", \.formats, .list(of: .choice(), example: "[vhd, vmdk]"),
            "Formats of the VM images. `vhd-fixed` is for Azure, and `gcp` for Google Cloud."),
        Setting(
            "github.repository", \.github.repository, .repository,
            "GitHub repository whose releases link to the images."),
        Setting(
            "aws.regions", \.aws.regions, .list(of: .region, example: "[eu-central-1]"),
            """
            Regions of the sandbox's AMIs. The commands for AWS use the first region, and the commands that list assets \
            use all of them, if no other source sets a region.
            """),
        Setting(
            "aws.instance_type", \.aws.instanceType, .instanceType, "Instance type of the build machine on AWS."),
        Setting(
            "aws.volume_size", \.aws.volumeSizeGiB, .size(in: .gibi, 8...16384, example: "100GiB"),
            "Size of the build machine's volume on AWS."),
        Setting(
            "aws.source_image.owner", \.aws.sourceImage.owner, .imageOwner,
            "AWS account that owns the AMI to start from.", default: officialImage),
        Setting(
            "aws.source_image.name", \.aws.sourceImage.name, .imageName,
            "Name of the AMI to start from. Of several matches, the newest one is used.", default: officialImage),
        Setting(
            "aws.source_image.parameter", optional: \.aws.sourceImage.parameter, .imageParameter,
            "SSM parameter whose value is the id of the AMI to start from. If it is set, owner and name are not used."),
        Setting(
            "names.tag_key", \.names.tagKey, .tagKey, "Key of the tag that holds the asset id of an AWS resource."),
        Setting(
            "names.bucket_prefix", \.names.bucketPrefix, .bucketPrefix,
            "Key prefix of all images in the S3 bucket, and their directory in the local bucket."),
        Setting(
            "names.ami", \.names.ami, .amiName,
            "Name of the AMI. `<asset-id>` stands for the asset id of the build."),
        Setting(
            "names.stack", \.names.stack, .stackName,
            "Name of the build machine's stack. `<asset-id>` stands for the asset id of the build."),
        Setting(
            "variants", optional: \.variants, .variants,
            """
            Further sandboxes of the same release: for each one its name, which becomes part of the asset id, and the \
            keys that it changes. `dss start-release-build --matrix` builds them along with the definition itself. A \
            variant cannot change \(SandboxVariant.sharedKeys.map { "`\($0)`" }.joined(separator: ", ")) or all of \
            `\(variables)`, only single ones: `\(variables).NAME`.
            """),
    ]

    private static let required = "none; this key is required"
    private static let officialImage = "the official image of `base`"

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
