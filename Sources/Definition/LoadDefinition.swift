import FoundationEssentials
import Glibc
import Sandbox

/// The sources of a definition, in increasing precedence: file, environment and flags.
package struct DefinitionSource: Sendable {
    /// Path of `sandbox.yaml`, as the user typed it.
    package var file: String
    package var overrides: [Override]
    package var environment: [String: String]
    /// Absolute path of the current directory. Relative paths in flags and environment variables start here; those in
    /// the file start at the file's directory.
    package var currentDirectory: String
    package var files: TextFiles
    /// Asks the package index for packages that roles install and the pins lack. That takes seconds, so it is done after
    /// the mistake is shown.
    package var askIndex: (@Sendable (_ packages: [String], SandboxDefinition) async -> Failure?)?

    package init(
        file: String = "sandbox.yaml", overrides: [Override] = [], environment: [String: String] = [:],
        currentDirectory: String, files: TextFiles = .disk,
        askIndex: (@Sendable (_ packages: [String], SandboxDefinition) async -> Failure?)? = nil
    ) {
        self.file = file
        self.overrides = overrides
        self.environment = environment
        self.currentDirectory = currentDirectory
        self.files = files
        self.askIndex = askIndex
    }

    /// - Throws: A single `Failure` that lists every error in file, environment, flags and playbook.
    package func loadDefinition() throws -> LoadedDefinition {
        var diagnostics: [Diagnostic] = []
        let (loaded, _) = try load(&diagnostics)
        guard let loaded, diagnostics.isEmpty else { throw diagnostics.failure() }
        return loaded
    }

    /// The definition with its pins, which must be for the same distribution release.
    /// - Parameter requiringCompletePins: Whether the pins must have all that the roles install; `false` for commands
    ///   that complete them.
    /// - Throws: A single `Failure` that lists every error in all of the files.
    package func loadSandbox(requiringCompletePins: Bool = true) throws -> LoadedSandbox {
        var diagnostics: [Diagnostic] = []
        let (loaded, draft) = try load(&diagnostics)
        guard let loaded, let draft else { throw diagnostics.failure() }
        let path = loaded.definition.playbook.pins
        guard let bytes = try files.read(path) else {
            diagnostics.append(missing("playbook.pins", loaded.pinsFile, draft))
            throw diagnostics.failure()
        }
        let pins = PinsFile.parse(bytes, path: loaded.pinsFile, absolutePath: path, &diagnostics)
        if let pins {
            diagnostics += pins.mismatch(with: draft, file: file)
            if requiringCompletePins {
                diagnostics += pins.unhashed()
                diagnostics += try RolePins(
                    pins: pins, draft: draft, files: files, currentDirectory: currentDirectory
                ).check()
            }
        }
        guard let pins, diagnostics.isEmpty else {
            var failure = diagnostics.failure()
            let packages = Set(diagnostics.compactMap(\.unpinnedPackage)).sorted()
            if let askIndex, !packages.isEmpty {
                failure.inquiry = { await askIndex(packages, loaded.definition) }
            }
            throw failure
        }
        return LoadedSandbox(definition: loaded, pins: pins)
    }

    private func load(_ diagnostics: inout [Diagnostic]) throws -> (LoadedDefinition?, Draft?) {
        let absoluteFile = FilePaths.join(currentDirectory, file)
        guard let bytes = try files.read(absoluteFile) else {
            throw Failure(
                .usage, "definition '\(file)' not found",
                advice: "change to the directory of sandbox.yaml, or pass --definition FILE")
        }
        guard let document = YAMLDocument.parse(bytes, path: file, diagnostics: &diagnostics) else {
            return (nil, nil)
        }
        let layers = [
            Layer(document: document, &diagnostics), Layer(environment: environment, &diagnostics),
            Layer(overrides: overrides, &diagnostics),
        ]
        var draft = Draft()
        draft.apply(layers, &diagnostics)
        let playbook = shownPath("playbook.file", draft.definition.playbook.file, draft)
        let pins = shownPath("playbook.pins", draft.definition.playbook.pins, draft)
        draft.definition.playbook.file = FilePaths.join(currentDirectory, playbook)
        draft.definition.playbook.pins = FilePaths.join(currentDirectory, pins)
        diagnostics += CombinationChecks.check(draft, file: file)
        try readRoles(playbook, &draft, &diagnostics)
        return (
            LoadedDefinition(
                definition: draft.definition, file: file, absoluteFile: absoluteFile, pinsFile: pins,
                origins: draft.items.mapValues(\.place)), draft
        )
    }

    /// A path relative to the current directory, as shown to the user.
    private func shownPath(_ key: String, _ path: String, _ draft: Draft) -> String {
        switch draft.origin(key) {
        case .flag, .environment: FilePaths.normalized(path)
        case .file, .default: FilePaths.join(FilePaths.directory(of: file), path)
        }
    }

    private func readRoles(_ playbook: String, _ draft: inout Draft, _ diagnostics: inout [Diagnostic]) throws {
        guard draft.isSound("playbook.file") else { return }
        guard let bytes = try files.read(draft.definition.playbook.file) else {
            diagnostics.append(missing("playbook.file", playbook, draft))
            return
        }
        let folder = FilePaths.directory(of: draft.definition.playbook.file)
        let reader = PlaybookRoles(path: playbook) { files.isDirectory("\(folder)/roles/\($0)") }
        guard let document = YAMLDocument.parse(bytes, path: playbook, diagnostics: &diagnostics),
            let roles = reader.read(document, &diagnostics)
        else { return }
        draft.definition.playbook.roles = roles
        guard draft.items["playbook.checkpoints"] != nil else {
            draft.definition.playbook.checkpoints = PlaybookRoles.defaultCheckpoints(roles)
            return
        }
        for role in draft.definition.playbook.checkpoints where !roles.contains(role) {
            diagnostics.append(
                Diagnostic(
                    draft.place("playbook.checkpoints", element: role, orIn: file),
                    "the playbook has no role '\(role)'"
                        + (role == SandboxDefinition.Playbook.tidyRole ? " that can be a checkpoint" : ""),
                    DidYouMean.suggestion(for: role, among: roles)
                        ?? "its roles are \(roles.joined(separator: ", "))"))
        }
    }

    private func missing(_ key: String, _ path: String, _ draft: Draft) -> Diagnostic {
        let isDefault = draft.items[key] == nil
        return Diagnostic(
            draft.place(key, orIn: file), "file '\(path)' not found",
            isDefault ? "set \(key) to use another file" : nil)
    }
}

/// The effective definition with the origin of each value.
package struct LoadedDefinition: Sendable {
    package var definition: SandboxDefinition
    /// Path of the file as shown in diagnostics.
    package var file: String
    /// Absolute path of the file.
    package var absoluteFile: String
    /// Path of the pins file as shown in diagnostics.
    package var pinsFile: String
    let origins: [String: Place]

    /// A key with its effective value, for tables.
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: Variable
        package var origin: Place
    }

    /// All keys that have a value, in the order of the documentation, with the playbook variables after the
    /// checkpoints.
    package var entries: [Entry] {
        Settings.all.flatMap { setting in
            [setting.value(definition)].compactMap(\.self).map {
                Entry(key: setting.key, value: $0, origin: origin(setting.key))
            } + (setting.key == "playbook.checkpoints" ? variables : [])
        }
    }

    package func origin(_ key: String) -> Place { origins[key] ?? .default }

    private var variables: [Entry] {
        definition.playbook.variables.sorted { $0.key < $1.key }.map { name, value in
            Entry(
                key: "\(Settings.variables).\(name)", value: value, origin: origin("\(Settings.variables).\(name)"))
        }
    }
}

/// A definition with its pinned versions.
package struct LoadedSandbox: Sendable {
    package var definition: LoadedDefinition
    package var pins: PinsFile
}

/// Reads the files of a definition; replaceable, so that tests do not need a disk.
package struct TextFiles: Sendable {
    /// The bytes of the file at an absolute path, or `nil` if it does not exist.
    package var read: @Sendable (String) throws -> [UInt8]?
    /// Whether an absolute path is a directory.
    package var isDirectory: @Sendable (String) -> Bool

    package init(
        read: @escaping @Sendable (String) throws -> [UInt8]?, isDirectory: @escaping @Sendable (String) -> Bool
    ) {
        self.read = read
        self.isDirectory = isDirectory
    }

    /// Reads from the local disk.
    package static let disk = TextFiles(read: bytes) { path in
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func bytes(_ path: String) throws -> [UInt8]? {
        var status = stat()
        // Reading a FIFO would wait for a writer.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw Failure(.badData, "\(path) is not a regular file")
        }
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch {
            let isReadable = FileManager.default.isReadableFile(atPath: path)
            throw Failure(
                isReadable ? .failed : .noPermission,
                "\(path) cannot be read: \(isReadable ? "\(error)" : "permission denied")")
        }
    }

    /// Reads from texts in memory; every directory exists, except the missing ones.
    package static func memory(_ texts: [String: String], missing: Set<String> = []) -> TextFiles {
        TextFiles(read: { texts[$0].map { Array($0.utf8) } }, isDirectory: { !missing.contains($0) })
    }
}

/// Path operations on text, without access to the disk: symbolic links are not resolved.
enum FilePaths {
    /// `path` resolved against `directory`, without `.` and `..`.
    static func join(_ directory: String, _ path: String) -> String {
        normalized(path.hasPrefix("/") || directory.isEmpty ? path : "\(directory)/\(path)")
    }

    /// The directory of a file, empty for a plain file name.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !path.hasPrefix("/") {
                parts.append(part)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}
