import Sandbox

/// The contents of `pins.yaml`: the versions, the place of each, and the text that an update edits.
package struct PinsFile: Sendable {
    package var pins: Pins
    package var text: String
    /// Path of the file as shown in diagnostics.
    package var path: String
    /// Absolute path of the file.
    package var absolutePath: String
    let document: Item

    /// The place of a version: `place("apt", "git")`, `place("pip", "jupyter", "jupyterlab")`.
    package func place(_ keys: String...) -> Place {
        var item = document
        for key in keys {
            guard let next = item[key] else { return item.place }
            item = next
        }
        return item.place
    }

    /// - Throws: A single `Failure` that lists every error in the file.
    package static func load(
        _ path: String, currentDirectory: String, files: TextFiles = .disk
    ) throws -> PinsFile {
        let absolute = FilePaths.join(currentDirectory, path)
        guard let bytes = try files.read(absolute) else {
            throw Failure(.usage, "pins file '\(path)' not found")
        }
        var diagnostics: [Diagnostic] = []
        guard let file = parse(bytes, path: path, absolutePath: absolute, &diagnostics), diagnostics.isEmpty else {
            throw diagnostics.failure()
        }
        return file
    }

    static func parse(
        _ bytes: [UInt8], path: String, absolutePath: String, _ diagnostics: inout [Diagnostic]
    ) -> PinsFile? {
        guard let document = YAMLDocument.parse(bytes, path: path, diagnostics: &diagnostics) else { return nil }
        var reader = PinsReader(diagnostics: diagnostics)
        let pins = reader.read(document)
        diagnostics = reader.diagnostics
        return pins.map {
            PinsFile(
                pins: $0, text: String(decoding: bytes, as: UTF8.self), path: path, absolutePath: absolutePath,
                document: document)
        }
    }

    /// Diagnostics if the pins are for another distribution release or architecture than the definition.
    ///
    /// Each names both files, because either may be wrong.
    func mismatch(with draft: Draft, file: String) -> [Diagnostic] {
        let base = draft.definition.base
        return [
            ("distribution", base.distribution.rawValue, pins.distribution), ("suite", base.suite, pins.suite),
            ("architecture", base.architecture.rawValue, (pins.architecture ?? base.architecture).rawValue),
        ].filter { $0.1 != $0.2 && draft.isSound("base.\($0.0)") }.map { key, wanted, pinned in
            let origin = draft.origin("base.\(key)")
            return Diagnostic(
                place(key), "the pins are for \(pinned), but base.\(key) is \(wanted) (\(origin))",
                "run 'dss pins update' after changing '\(key)' here, or set base.\(key) to \(pinned)")
        }
    }
}

/// Validates the structure of `pins.yaml` and extracts the versions.
struct PinsReader {
    var diagnostics: [Diagnostic]

    private static let keys = [
        "distribution", "suite", "architecture", "python", "apt", "pip", "pip_locked", "pip_extends", "pip_excluded",
        "pip_source", "pip_sha256", "git",
    ]

    init(diagnostics: [Diagnostic] = []) {
        self.diagnostics = diagnostics
    }

    /// - Returns: The pins without invalid entries; `nil` if the file is not a mapping.
    mutating func read(_ document: Item) -> Pins? {
        guard let entries = document.entries else {
            diagnostics.append(.wrongType(document, expected: "a mapping", example: "distribution: debian"))
            return nil
        }
        for entry in entries where !Self.keys.contains(entry.name) {
            let near = DidYouMean.suggestion(for: entry.name, among: Self.keys)
            diagnostics.append(
                Diagnostic(
                    entry.place, "unknown key '\(entry.name)'",
                    near ?? "valid keys are \(Self.keys.joined(separator: ", "))"
                ))
        }
        let pins = Pins(
            distribution: release(document, "distribution", example: "debian"),
            suite: release(document, "suite", example: "bookworm"),
            architecture: document["architecture"].flatMap { Rule.choice().read($0, &diagnostics) },
            python: document["python"].flatMap { version($0, .interpreter) },
            apt: versions(document["apt"], .debian), pip: environments(document["pip"], .requirement),
            pipLocked: environments(document["pip_locked"], .python),
            pipExtends: versions(document["pip_extends"], .environment),
            pipExcluded: environments(document["pip_excluded"], .reason),
            pipSource: versions(document["pip_source"], .reason),
            pipSHA256: environments(document["pip_sha256"], .hash), git: versions(document["git"], .tag))
        checkEnvironments(document, pins)
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

    private mutating func environments(_ item: Item?, _ syntax: PinSyntax) -> [String: [String: String]] {
        guard let item, !item.isNothing else { return [:] }
        guard let entries = item.entries else {
            diagnostics.append(.wrongType(item, expected: "a mapping", example: "{jupyter: {\(syntax.example)}}"))
            return [:]
        }
        var environments: [String: [String: String]] = [:]
        for entry in entries { environments[entry.name] = versions(entry.item, syntax) }
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
                        entry.place, "'\(entry.name)' is not a valid \(syntax.thing) name",
                        "for example \(syntax.example)")
                )
            }
            versions[entry.name] = version(entry.item, syntax)
        }
        return versions
    }

    private mutating func version(_ item: Item, _ syntax: PinSyntax) -> String? {
        let example = "for example \(syntax.example)"
        guard case .scalar(let scalar) = item.content, scalar.kind != .nothing else {
            diagnostics.append(
                Diagnostic(item.place, "'\(item.key)' must be a \(syntax.value), found \(item.found)", example))
            return nil
        }
        guard scalar.kind == .text else {
            diagnostics.append(
                Diagnostic(
                    item.place, "'\(item.key)' must be a string, found \(item.found), which YAML may round",
                    "put it in quotes: \"\(scalar.text)\""))
            return nil
        }
        guard syntax.isVersion(scalar.text) else {
            diagnostics.append(
                Diagnostic(item.place, "'\(scalar.text)' is not a valid \(syntax.thing) \(syntax.value)", example))
            return nil
        }
        return scalar.text
    }

    /// Checks that every environment exists in `pip`, and that each of its packages has one place.
    private mutating func checkEnvironments(_ document: Item, _ pins: Pins) {
        for section in ["pip_locked", "pip_extends", "pip_excluded", "pip_sha256"] {
            for entry in document[section]?.entries ?? [] where pins.pip[entry.name] == nil {
                diagnostics.append(.noEnvironment(entry.name, entry.place, pins))
            }
        }
        for entry in document["pip_extends"]?.entries ?? [] {
            guard let base = pins.pipExtends[entry.name] else { continue }
            if pins.pip[base] == nil {
                diagnostics.append(.noEnvironment(base, entry.item.place, pins))
            } else if pins.pipExtends[base] != nil {
                diagnostics.append(
                    Diagnostic(
                        entry.item.place, "'\(base)' extends another environment itself",
                        "extend '\(pins.pipExtends[base] ?? base)'"))
            }
        }
        for (environment, direct) in pins.pip {
            let names = Set(direct.keys.map(Pins.distribution))
            for package in document["pip_locked"]?[environment]?.entries ?? []
            where names.contains(Pins.distribution(package.name)) {
                diagnostics.append(
                    Diagnostic(
                        package.place, "'\(package.name)' is in both 'pip' and 'pip_locked'", "keep it in 'pip'"))
            }
            let versions = pins.versions(of: environment)
            for package in document["pip_excluded"]?[environment]?.entries ?? []
            where versions[Pins.distribution(package.name)] != nil {
                diagnostics.append(
                    Diagnostic(
                        package.place, "'\(package.name)' is excluded, but has a version as well",
                        "run 'dss pins update', or remove this line"))
            }
            for package in document["pip_sha256"]?[environment]?.entries ?? []
            where versions[Pins.distribution(package.name)] == nil {
                diagnostics.append(
                    Diagnostic(
                        package.place, "'\(package.name)' has a hash, but no version in '\(environment)'",
                        "run 'dss pins update', or remove this line"))
            }
        }
    }
}

extension Diagnostic {
    fileprivate static func noEnvironment(_ name: String, _ place: Place, _ pins: Pins) -> Diagnostic {
        Diagnostic(
            place, "'pip' has no environment '\(name)'", DidYouMean.suggestion(for: name, among: pins.pip.keys))
    }
}

/// The syntax of names and versions for each kind of package.
enum PinSyntax {
    case debian, python, tag, interpreter
    /// A Python package with extras, a package with the reason why it is treated differently, the hash of a wheel, an
    /// environment that is extended.
    case requirement, reason, hash, environment

    var thing: String {
        switch self {
        case .debian: "Debian package"
        case .python, .requirement, .reason, .hash: "Python package"
        case .environment: "environment"
        case .tag: "Git repository"
        case .interpreter: "Python interpreter"
        }
    }

    /// What stands after the name.
    var value: String {
        switch self {
        case .hash: "SHA-256"
        case .reason: "reason"
        case .environment: "name"
        case .debian, .python, .requirement, .tag, .interpreter: "version"
        }
    }

    var example: String {
        switch self {
        case .debian: "git: \"1:2.39.5-0+deb12u3\""
        case .python, .requirement: "jupyterlab: \"4.4.1\""
        case .reason: "torch: \"the reason\""
        case .hash: "jupyterlab: \"\(String(repeating: "0", count: 64))\""
        case .environment: "exasol: datascience"
        case .tag: "script-languages-release: \"5.0.0\""
        case .interpreter: "python: \"3.11\""
        }
    }

    func isName(_ name: String) -> Bool {
        switch self {
        // Debian Policy 5.6.7; an architecture may follow, as in libc6:amd64.
        case .debian: name.wholeMatch(of: Pattern.debianName) != nil
        case .python, .reason, .hash: name.wholeMatch(of: Pattern.pythonName) != nil
        case .requirement: name.wholeMatch(of: Pattern.requirement) != nil
        case .tag, .interpreter, .environment: name.wholeMatch(of: Pattern.name) != nil
        }
    }

    func isVersion(_ version: String) -> Bool {
        switch self {
        case .debian: version.wholeMatch(of: Pattern.debianVersion) != nil
        case .python, .requirement: version.wholeMatch(of: Pattern.pythonVersion) != nil
        case .reason: !version.isEmpty
        case .hash: version.wholeMatch(of: Pattern.hash) != nil
        case .environment: isName(version)
        case .interpreter: version.wholeMatch(of: Pattern.interpreter) != nil
        case .tag: version.wholeMatch(of: Pattern.tag) != nil
        }
    }

    /// Compiled once: there are hundreds of pins, and a literal is parsed each time it is evaluated.
    private enum Pattern {
        /// Debian Policy 5.6.7; an architecture may follow, as in libc6:amd64.
        nonisolated(unsafe) static let debianName = /[a-z0-9][a-z0-9+.\-]+(?::[a-z0-9]+)?/
        /// https://packaging.python.org/en/latest/specifications/name-normalization/
        nonisolated(unsafe) static let pythonName = /[A-Za-z0-9](?:[A-Za-z0-9._\-]*[A-Za-z0-9])?/
        /// https://packaging.python.org/en/latest/specifications/dependency-specifiers/#extras
        nonisolated(unsafe) static let requirement =
            /[A-Za-z0-9](?:[A-Za-z0-9._\-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._\-]+(?:, ?[A-Za-z0-9._\-]+)*\])?/
        nonisolated(unsafe) static let name = /[A-Za-z0-9_][A-Za-z0-9._\/\-]*/
        /// Debian Policy 5.6.12.
        nonisolated(unsafe) static let debianVersion = /(?:[0-9]+:)?[0-9][A-Za-z0-9.+~\-]*/
        /// The characters of https://peps.python.org/pep-0440/; pip validates the rest.
        nonisolated(unsafe) static let pythonVersion = /v?(?:[0-9]+!)?[0-9][A-Za-z0-9.+_\-]*/
        nonisolated(unsafe) static let hash = /[0-9a-f]{64}/
        nonisolated(unsafe) static let interpreter = /3\.[0-9]+/
        /// A safe subset of git-check-ref-format; a leading dash would be read as an option.
        nonisolated(unsafe) static let tag = /[A-Za-z0-9_][A-Za-z0-9._+\/\-]*/
    }
}
