import Sandbox

extension Rule<[SandboxVariant]> {
    /// `{big: {disk.size: 16GiB}, arm: {base.architecture: arm64, formats: [vmdk]}}`, in the order of the file.
    static var variants: Rule {
        let expected = "a mapping of names to settings"
        let example = "{big: {disk.size: 16GiB}}"
        return Rule(
            expected: expected, allowed: "a mapping of names to mappings of keys to values", example: example,
            read: { item, diagnostics in
                guard let entries = item.entries else {
                    diagnostics.append(.wrongType(item, expected: expected, example: example))
                    return nil
                }
                let variants = entries.map { variant($0, &diagnostics) }
                return variants.contains(nil) ? nil : variants.compactMap(\.self)
            },
            write: { variants in
                .map(
                    variants.reduce(into: [:]) { map, variant in
                        map[variant.name] = .map(
                            variant.settings.reduce(into: [:]) { $0[$1.key] = .string(printed($1)) })
                    })
            })
    }

    private static func printed(_ setting: SandboxVariant.Setting) -> String {
        ["base.mirror", "base.security_mirror"].contains(setting.key) ? MaskedURL.text(setting.value) : setting.value
    }

    private static func variant(_ entry: Item.Entry, _ diagnostics: inout [Diagnostic]) -> SandboxVariant? {
        guard entry.name.wholeMatch(of: /[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?/) != nil else {
            diagnostics.append(
                Diagnostic(
                    entry.place, "variant name '\(entry.name)' is not valid in asset ids",
                    "use up to 24 lowercase letters, digits and dashes"))
            return nil
        }
        if entry.item.isNothing { return SandboxVariant(name: entry.name, settings: []) }
        guard let entries = entry.item.entries else {
            diagnostics.append(
                .wrongType(entry.item, expected: "a mapping of keys to values", example: "{disk.size: 16GiB}"))
            return nil
        }
        let settings = entries.map { setting($0, &diagnostics) }
        guard !settings.contains(nil) else { return nil }
        return SandboxVariant(name: entry.name, settings: settings.compactMap(\.self))
    }

    private static func setting(
        _ entry: Item.Entry, _ diagnostics: inout [Diagnostic]
    ) -> SandboxVariant.Setting? {
        if entry.name.hasPrefix(Settings.variables + ".") { return variable(entry, &diagnostics) }
        let fixed = SandboxVariant.sharedKeys
        guard let known = Settings.byKey[entry.name], !fixed.contains(entry.name) else {
            let suggestion =
                fixed.contains(entry.name)
                ? "all variants share this key" : DidYouMean.suggestion(for: entry.name, among: Settings.keys)
            diagnostics.append(Diagnostic(entry.place, "a variant cannot set '\(entry.name)'", suggestion))
            return nil
        }
        var item = entry.item
        item.key = entry.name
        var scratch = Draft().definition
        guard known.apply(item, &scratch, &diagnostics), let text = text(of: item) else { return nil }
        return SandboxVariant.Setting(entry.name, text)
    }

    /// A playbook variable, with a value as `--set` takes it.
    private static func variable(
        _ entry: Item.Entry, _ diagnostics: inout [Diagnostic]
    ) -> SandboxVariant.Setting? {
        guard case .scalar(let scalar) = entry.item.content else {
            diagnostics.append(
                .wrongType(entry.item, expected: "a string, a number or a boolean", example: "\(entry.name): dark"))
            return nil
        }
        let count = diagnostics.count
        var layer = Layer()
        guard let item = RawText.yaml(scalar.text, key: entry.name, place: entry.item.place, &diagnostics),
            PlaybookVariables.value(item, &diagnostics) != nil
        else { return nil }
        layer.addVariable(
            String(entry.name.dropFirst(Settings.variables.count + 1)), item, at: entry.place, &diagnostics)
        return diagnostics.count == count ? SandboxVariant.Setting(entry.name, scalar.text) : nil
    }

    /// A scalar or a list of scalars, in the form of an environment variable's value.
    private static func text(of item: Item) -> String? {
        switch item.content {
        case .scalar(let scalar): return scalar.text
        case .list(let items):
            let parts = items.map(text)
            return parts.contains(nil) ? nil : parts.compactMap(\.self).joined(separator: ",")
        case .map: return nil
        }
    }
}

extension SandboxVariant {
    /// The keys that identify a release, so all of its variants share them.
    static let sharedKeys = ["name", "version", "variants", "github.repository"]
}

extension SandboxVariant.Setting {
    /// The environment variable that sets the key.
    package var environmentVariable: String { Setting.environmentVariable(for: key) }
}

/// Checks for values that are valid on their own but not in combination.
enum CombinationChecks {
    static func check(_ draft: Draft, file: String) -> [Diagnostic] {
        required(draft, file) + suite(draft, file) + mirror(draft, file) + sources(draft, file)
            + architecture(draft, file) + diskSize(draft, file)
    }

    private static func required(_ draft: Draft, _ file: String) -> [Diagnostic] {
        ["name", "version"].filter { draft.items[$0] == nil && draft.isSound($0) }.map { key in
            Diagnostic(
                .file(file, line: 1, column: 1), "the key '\(key)' is missing",
                "for example \(key): \(Settings.byKey[key]?.example ?? "")")
        }
    }

    private static func suite(_ draft: Draft, _ file: String) -> [Diagnostic] {
        guard draft.isSound("base.distribution", "base.suite") else { return [] }
        let (distribution, suite) = (draft.definition.base.distribution, draft.definition.base.suite)
        let own = Suites.known(of: distribution)
        if own.contains(suite) { return [] }
        let place = draft.place("base.suite", orIn: file)
        if let other = SandboxDefinition.BaseSystem.Distribution.allCases.first(where: {
            Suites.known(of: $0).contains(suite)
        }) {
            return [
                Diagnostic(
                    place,
                    "'\(suite)' is a release of \(other.rawValue), but base.distribution is \(distribution.rawValue)",
                    "did you mean '\(Suites.defaultSuite(of: distribution))', or distribution: \(other.rawValue)?")
            ]
        }
        guard suite.count > 4, let near = DidYouMean.closest(to: suite, among: own) else { return [] }
        return [
            Diagnostic(place, "unknown \(distribution.rawValue) release '\(suite)'", "did you mean '\(near)'?")
        ]
    }

    /// Ubuntu's main archives have only amd64; the other architectures are on a separate server.
    private static func mirror(_ draft: Draft, _ file: String) -> [Diagnostic] {
        let base = draft.definition.base
        guard base.architecture == .arm64 else { return [] }
        let mirrors = [("base.mirror", base.mirror), ("base.security_mirror", base.securityMirror ?? "")]
        return mirrors.flatMap { key, url in
            ["archive.ubuntu.com", "security.ubuntu.com"].filter { url.contains("//\($0)/") }.map { server in
                Diagnostic(
                    draft.place(key, orIn: file), "\(server) has no packages for arm64",
                    "use http://ports.ubuntu.com/ubuntu-ports")
            }
        }
    }

    /// The image cannot use what only this host has.
    private static func sources(_ draft: Draft, _ file: String) -> [Diagnostic] {
        let base = draft.definition.base
        guard base.sources == .mirror, draft.isSound("base.mirror", "base.security_mirror", "base.sources") else {
            return []
        }
        let ownOfHost = [("base.mirror", base.mirror), ("base.security_mirror", base.securityMirror ?? "")]
            .first { $0.1 == "host" || $0.1.hasPrefix("file:") }
        return ownOfHost.map { key, value in
            [
                Diagnostic(
                    draft.place("base.sources", orIn: file),
                    "base.sources is mirror, but \(key) is '\(value)', which an image cannot use",
                    "set \(key) to an http or https URL, or base.sources to public")
            ]
        } ?? []
    }

    /// VHD is the disk format of Hyper-V generation 1, and our OVA describes a BIOS machine: both require amd64.
    private static func architecture(_ draft: Draft, _ file: String) -> [Diagnostic] {
        let definition = draft.definition
        guard definition.base.architecture == .arm64, draft.isSound("base.architecture", "formats") else { return [] }
        let key = draft.items["formats"] == nil ? "base.architecture" : "formats"
        return definition.formats.filter { [.vhd, .ova].contains($0) }.map { format in
            Diagnostic(
                draft.place(key, element: format.rawValue, orIn: file),
                "format \(format.rawValue) requires BIOS firmware, which arm64 machines do not have",
                key == "formats" ? "use vmdk, qcow2 or raw" : "set formats, for example formats: [vmdk, qcow2]")
        }
    }

    /// A VHD holds at most 2040 GiB (Virtual Hard Disk Image Format Specification, version 1.0). Google Cloud takes only
    /// whole GiB (https://cloud.google.com/compute/docs/import/import-existing-image).
    private static func diskSize(_ draft: Draft, _ file: String) -> [Diagnostic] {
        guard draft.isSound("disk.size", "formats") else { return [] }
        let size = draft.definition.disk.sizeMiB
        return draft.definition.formats.compactMap { format in
            let (mistake, change): (String, String)
            switch format {
            case .vhd where size > 2040 * 1024, .vhdFixed where size > 2040 * 1024:
                (mistake, change) = ("a \(format.rawValue) image holds at most 2040GiB", "reduce")
            case .gcp where size % 1024 != 0:
                (mistake, change) = ("a gcp image has a size in whole GiB", "round")
            default: return nil
            }
            return Diagnostic(
                draft.place("disk.size", orIn: file), mistake,
                "\(change) disk.size or remove \(format.rawValue) from formats")
        }
    }
}
