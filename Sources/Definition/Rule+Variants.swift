import Sandbox

extension Rule<[SandboxVariant]> {
    /// `{big: {disk.size: 16GiB}, arm: {base.architecture: arm64, formats: [vmdk]}}`, in the order of the file.
    static var variants: Rule {
        let expected = "a mapping of names to settings"
        let example = "{big: {disk.size: 16GiB}}"
        return Rule(
            expected: expected, example: example,
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
                            variant.settings.reduce(into: [:]) { $0[$1.key] = .string($1.value) })
                    })
            })
    }

    private static func variant(_ entry: Item.Entry, _ diagnostics: inout [Diagnostic]) -> SandboxVariant? {
        guard entry.name.wholeMatch(of: /[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?/) != nil else {
            diagnostics.append(
                Diagnostic(
                    entry.place, "the variant '\(entry.name)' is to be part of asset ids",
                    "use up to 24 lower-case letters, digits and dashes"))
            return nil
        }
        if entry.item.isNothing { return SandboxVariant(name: entry.name, settings: []) }
        guard let entries = entry.item.entries else {
            diagnostics.append(.wrongType(entry.item, expected: "a mapping of keys", example: "{disk.size: 16GiB}"))
            return nil
        }
        let settings = entries.map { setting($0, &diagnostics) }
        guard !settings.contains(nil) else { return nil }
        return SandboxVariant(name: entry.name, settings: settings.compactMap(\.self))
    }

    private static func setting(
        _ entry: Item.Entry, _ diagnostics: inout [Diagnostic]
    ) -> SandboxVariant.Setting? {
        // What tells releases apart is the same for all of their variants.
        let fixed = ["name", "version", "variants", "github.repository"]
        guard let known = Settings.byKey[entry.name], !fixed.contains(entry.name) else {
            let suggestion =
                fixed.contains(entry.name)
                ? "all variants share it" : DidYouMean.suggestion(for: entry.name, among: Settings.keys)
            diagnostics.append(Diagnostic(entry.place, "a variant cannot set '\(entry.name)'", suggestion))
            return nil
        }
        var item = entry.item
        item.key = entry.name
        var scratch = Draft().definition
        guard known.apply(item, &scratch, &diagnostics), let text = text(of: item) else { return nil }
        return SandboxVariant.Setting(entry.name, text)
    }

    /// A scalar, or a list of such, as an environment variable has it.
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

extension SandboxVariant.Setting {
    /// The environment variable that sets the key.
    package var environmentVariable: String { Setting.environmentVariable(for: key) }
}
