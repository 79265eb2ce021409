import Sandbox

/// Checks before a build that the pins have what the roles install, as far as their files say it without Ansible.
struct RolePins {
    let pins: PinsFile
    let draft: Draft
    let files: TextFiles
    /// Where the shown paths start.
    let currentDirectory: String

    func check() throws -> [Diagnostic] {
        let play = try document("").flatMap { if case .list(let plays) = $0.content { plays.first } else { nil } }
        var diagnostics: [Diagnostic] = []
        for role in draft.definition.playbook.roles {
            diagnostics += try unpinnedPackages(of: role, play?["vars"])
            guard let tasks = try document("roles/\(role)/tasks/main.yml"), !isConditional(role, play) else { continue }
            for item in Self.unconditional(tasks) { diagnostics += missing(item, role) }
        }
        return diagnostics
    }

    /// The packages in `<role>_packages` without a version. A list that depends on variables is left to Ansible.
    private func unpinnedPackages(of role: String, _ playVariables: Item?) throws -> [Diagnostic] {
        let name = "\(role)_packages"
        if playVariables?[name] != nil { return [] }
        // In the order of Ansible: extra variables win, and the defaults of a role lose.
        var list = draft.items["\(Settings.variables).\(name)"]
        for path in ["roles/\(role)/vars/main.yml", "group_vars/all.yml", "roles/\(role)/defaults/main.yml"]
        where list == nil { list = try document(path)?[name] }
        guard case .list(let items)? = list?.content else { return [] }
        return items.compactMap { item in
            guard case .scalar(let scalar) = item.content, scalar.kind == .text, !scalar.text.contains("{{"),
                pins.pins.apt[scalar.text] == nil
            else { return nil }
            return unpinned(scalar.text, role, item.place)
        }
    }

    /// What a task needs and the pins lack: a package that it names as `pins.apt.NAME`, or a Python environment.
    private func missing(_ item: Item, _ role: String) -> [Diagnostic] {
        guard case .scalar(let scalar) = item.content else { return [] }
        let isEnvironment = item.key.hasSuffix(".python_env_name") || item.key == "python_env_name"
        guard isEnvironment || scalar.text.contains("pins.apt"),
            !scalar.text.contains(/default\(| in pins| if | is defined/)
        else { return [] }
        if isEnvironment {
            return [scalar.text, "uv"].filter { !$0.contains("{{") && pins.pins.pip[$0] == nil }.map {
                Diagnostic(
                    item.place, "the Python environment '\($0)' (role \(role)) is not in \(pins.path)",
                    "add it: dss pins add --new-environment \($0) \($0 == "uv" ? "uv" : "PACKAGE")")
            }
        }
        return scalar.text.matches(of: /pins\.apt(?:\.([A-Za-z_]\w*)\b(?!\()|\[['"]([^'"]+)['"]\])/).compactMap {
            guard let name = ($0.1 ?? $0.2).map(String.init), pins.pins.apt[name] == nil else { return nil }
            return unpinned(name, role, item.place)
        }
    }

    private func unpinned(_ package: String, _ role: String, _ place: Place) -> Diagnostic {
        Diagnostic(
            place, "\(package) (role \(role)) has no version in \(pins.path)", "add it: dss pins add apt \(package)",
            unpinnedPackage: package)
    }

    /// The values in a list of tasks that are used in every run: those below `when` depend on it.
    private static func unconditional(_ item: Item) -> [Item] {
        switch item.content {
        case .scalar: [item]
        case .list(let items): items.flatMap(unconditional)
        case .map(let entries): item["when"] == nil ? entries.flatMap { unconditional($0.item) } : []
        }
    }

    private func isConditional(_ role: String, _ play: Item?) -> Bool {
        guard case .list(let roles)? = play?["roles"]?.content else { return false }
        return roles.contains { entry in
            guard entry["when"] != nil, case .scalar(let name)? = (entry["role"] ?? entry["name"])?.content else {
                return false
            }
            return name.text == role
        }
    }

    /// A file of the playbook; `nil` if there is none, or if it is not valid, which Ansible explains.
    /// - Parameter path: The path in the folder of the playbook; empty for the playbook itself.
    private func document(_ path: String) throws -> Item? {
        let playbook = draft.definition.playbook.file
        let absolute = path.isEmpty ? playbook : FilePaths.join(FilePaths.directory(of: playbook), path)
        guard let bytes = try files.read(absolute) else { return nil }
        let here = currentDirectory + "/"
        var ignored: [Diagnostic] = []
        return YAMLDocument.parse(
            bytes, path: absolute.hasPrefix(here) ? String(absolute.dropFirst(here.count)) : absolute,
            diagnostics: &ignored)
    }
}

extension PinsFile {
    /// The packages that were added by hand: without a hash, while others of the same environment have one. What they
    /// need is probably not pinned either, and the whole environment would be installed unchecked.
    func unhashed() -> [Diagnostic] {
        pins.pipSHA256.sorted { $0.key < $1.key }.flatMap { environment, hashes -> [Diagnostic] in
            let hashed = Set(hashes.keys.map(Pins.distribution))
            guard !hashed.isEmpty else { return [] }
            return ["pip", "pip_locked"].flatMap { document[$0]?[environment]?.entries ?? [] }.compactMap { entry in
                let name = Pins.distribution(entry.name)
                guard !hashed.contains(name), let version = pins.versions(of: environment)[name] else { return nil }
                return Diagnostic(
                    entry.place, "'\(entry.name)' has no hash in pip_sha256.\(environment), unlike the others there",
                    "add it with what it needs: dss pins add \(environment) \(entry.name)==\(version)")
            }
        }
    }
}
