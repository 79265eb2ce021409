import Sandbox

/// Checks the shape of `pins.yaml` and takes the versions out of it.
struct PinsReader {
    var diagnostics: [Diagnostic]

    private static let keys = [
        "distribution", "suite", "architecture", "python", "apt", "pip", "pip_locked", "git",
    ]

    init(diagnostics: [Diagnostic] = []) {
        self.diagnostics = diagnostics
    }

    /// - Returns: `nil` where the file is no mapping; the pins may lack what is wrong.
    mutating func read(_ document: Item) -> Pins? {
        guard let entries = document.entries else {
            diagnostics.append(.wrongType(document, expected: "a mapping", example: "distribution: debian"))
            return nil
        }
        for entry in entries where !Self.keys.contains(entry.name) {
            let near = DidYouMean.suggestion(for: entry.name, among: Self.keys)
            diagnostics.append(
                Diagnostic(
                    entry.place, "unknown key '\(entry.name)'", near ?? "known are \(Self.keys.joined(separator: ", "))"
                ))
        }
        let pins = Pins(
            distribution: release(document, "distribution", example: "debian"),
            suite: release(document, "suite", example: "bookworm"),
            architecture: document["architecture"].flatMap { Rule.choice().read($0, &diagnostics) },
            python: document["python"].flatMap { version($0, .interpreter) },
            apt: versions(document["apt"], .debian), pip: environments(document["pip"]),
            pipLocked: environments(document["pip_locked"]), git: versions(document["git"], .tag))
        checkLocked(document, pins)
        return pins
    }

    private mutating func release(_ document: Item, _ key: String, example: String) -> String {
        guard let item = document[key] else {
            diagnostics.append(
                Diagnostic(document.place, "the key '\(key)' is missing", "for example \(key): \(example)"))
            return ""
        }
        return Rule<String>.text("a name", example: example) { _ in }.read(item, &diagnostics) ?? ""
    }

    private mutating func environments(_ item: Item?) -> [String: [String: String]] {
        guard let item, !item.isNothing else { return [:] }
        guard let entries = item.entries else {
            diagnostics.append(
                .wrongType(item, expected: "a mapping", example: "{jupyter: {jupyterlab: \"4.4.1\"}}"))
            return [:]
        }
        var environments: [String: [String: String]] = [:]
        for entry in entries { environments[entry.name] = versions(entry.item, .python) }
        return environments
    }

    private mutating func versions(_ item: Item?, _ syntax: PinSyntax) -> [String: String] {
        guard let item, !item.isNothing else { return [:] }
        guard let entries = item.entries else {
            diagnostics.append(.wrongType(item, expected: "a mapping", example: "{\(syntax.example)}"))
            return [:]
        }
        var versions: [String: String] = [:]
        for entry in entries {
            if !syntax.isName(entry.name) {
                diagnostics.append(
                    Diagnostic(
                        entry.place, "'\(entry.name)' is no name of a \(syntax.thing)", "for example \(syntax.example)")
                )
            }
            versions[entry.name] = version(entry.item, syntax)
        }
        return versions
    }

    private mutating func version(_ item: Item, _ syntax: PinSyntax) -> String? {
        let example = "for example \(syntax.example)"
        guard case .scalar(let scalar) = item.content, scalar.kind != .nothing else {
            diagnostics.append(Diagnostic(item.place, "'\(item.key)' must be a version, found \(item.found)", example))
            return nil
        }
        guard scalar.kind == .text else {
            diagnostics.append(
                Diagnostic(
                    item.place, "'\(item.key)' must be text, found \(item.found), which YAML may round",
                    "write \"\(scalar.text)\" in quotes"))
            return nil
        }
        guard syntax.isVersion(scalar.text) else {
            diagnostics.append(
                Diagnostic(item.place, "'\(scalar.text)' is no version of a \(syntax.thing)", example))
            return nil
        }
        return scalar.text
    }

    /// What comes along belongs to an environment that is there, and is not required directly as well.
    private mutating func checkLocked(_ document: Item, _ pins: Pins) {
        for entry in document["pip_locked"]?.entries ?? [] {
            guard let direct = pins.pip[entry.name] else {
                diagnostics.append(
                    Diagnostic(
                        entry.place, "'pip' has no environment '\(entry.name)'",
                        DidYouMean.suggestion(for: entry.name, among: pins.pip.keys)))
                continue
            }
            for package in entry.item.entries ?? [] where direct[package.name] != nil {
                diagnostics.append(
                    Diagnostic(
                        package.place, "'\(package.name)' stands in 'pip' and in 'pip_locked'", "keep it in 'pip'"))
            }
        }
    }
}
