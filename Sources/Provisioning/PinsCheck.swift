import Sandbox
import Workbench

/// Checks pins against the package index and finds newer versions.
package struct PinsCheck: Sendable {
    let index: PackageIndex
    /// Repository name in `pins.yaml` → URL.
    let repositories: [String: String]
    let events: EventSink

    package init(index: PackageIndex, repositories: [String: String], events: @escaping EventSink = { _ in }) {
        self.index = index
        self.repositories = repositories
        self.events = events
    }

    func begin(_ activity: String) { events(.progress(.install, Progress(activity))) }

    func tags(of url: String) async throws -> [String]? {
        begin("reading the tags of \(url)")
        return try await index.tags(of: url)
    }

    /// - Throws: `Failure` with code `.unavailable` if the package index does not answer. A Git repository that does not
    ///   answer only leaves its own pin unchecked.
    package func check(_ pins: Pins) async throws -> [PinStatus] {
        let apt = try await index.aptVersions(of: Array(pins.apt.keys))
        var statuses = pins.apt.sorted { $0.key < $1.key }.map {
            PinStatus.judge(.apt, $0.key, pinned: $0.value, versions: apt[$0.key] ?? [])
        }
        let python = try await pythonVersion()
        for group in Set(pins.pip.keys).union(pins.pipLocked.keys).sorted() {
            statuses += try await checkPython(pins, group, python)
        }
        statuses += try await unmet(pins, statuses, python)
        for position in statuses.indices where statuses[position].state == .unlisted {
            let (source, name) = (statuses[position].source, statuses[position].name)
            statuses[position].similar =
                try await source == .apt
                ? index.aptNames(startingWith: name.prefix(2)) : pins.names.subtracting([name]).sorted()
        }
        for (name, tag) in pins.git.sorted(by: { $0.key < $1.key }) {
            let url = repositories[name]
            let tags = try await url.asyncMap { try await self.tags(of: $0) } ?? nil
            var status = PinStatus.judge(.git, name, pinned: tag, versions: tags)
            if tags == nil { status.silentRepository = url }
            statuses.append(status)
        }
        return statuses
    }

    /// The pinned Python packages that need what is not pinned, and the environments whose pins exclude each other, as
    /// happens in a file that was edited by hand.
    /// - Parameter statuses: Those of the packages; what is not available cannot be resolved.
    private func unmet(_ pins: Pins, _ statuses: [PinStatus], _ python: String) async throws -> [PinStatus] {
        let broken = Set(statuses.filter { [.gone, .unlisted].contains($0.state) }.compactMap(\.group))
        var found: [PinStatus] = []
        for base in pins.pip.keys.sorted() where pins.pipExtends[base] == nil {
            let family = PinFamily(base, in: pins)
            guard broken.isDisjoint(with: family.groups) else { continue }
            begin("checking the dependencies of \(family.title)")
            do {
                let resolved = try await index.resolveAll(
                    family.requirements(keepingAllBut: []), constraints: family.locked, excluding: family.excluded,
                    fromSource: Array(pins.pipSource.keys), pythonVersion: python)
                found += family.incomplete(resolved)
            } catch let failure as Failure where failure.code == .badData {
                var status = PinStatus(source: .pip, group: base, name: "(all)", pinned: "", state: .conflict)
                status.reason = failure.details.joined(separator: "\n")
                found.append(status)
            }
        }
        return found
    }

    /// Resolves all packages of an environment in one query; looks up each locked package individually only if that
    /// fails.
    func checkPython(_ pins: Pins, _ group: String, _ python: String) async throws -> [PinStatus] {
        let pinned = pins.versions(of: group)
        let direct = Set((pins.pip[group] ?? [:]).keys.map(Pins.distribution))
        begin("checking the Python packages of \(group)")
        let found = try await index.wheels(
            of: pinned, fromSource: Array(pins.pipSource.keys), pythonVersion: python)
        // One package first, because hundreds of queries would wait for an index that does not answer.
        if found == nil, let first = pinned.keys.min() { _ = try await index.newestPython(first) }
        return try await withThrowingTaskGroup(of: PinStatus.self) { tasks in
            for (name, version) in pinned {
                let isDirect = direct.contains(name)
                tasks.addTask {
                    let versions =
                        found != nil && !isDirect ? [version] : try await index.newestPython(name)
                    return .judge(.pip, group: group, name, pinned: version, versions: versions)
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }

    /// The version of the sandbox's own Python, such as `3.11`, which determines the compatible wheels.
    func pythonVersion() async throws -> String {
        let versions = try await index.aptVersions(of: ["python3"])
        guard let newest = versions["python3"]?.first, let match = newest.prefixMatch(of: /\d+\.\d+/) else {
            throw Failure(.unavailable, "package python3 not found in the index of the base system")
        }
        return String(match.output)
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}

/// The result of comparing one pinned version with the package index.
package struct PinStatus: Sendable, Equatable, Codable {
    package enum Source: String, Sendable, Codable { case apt, pip, git }

    package enum State: String, Sendable, Codable {
        case current
        /// Still available, but a newer version exists.
        case outdated
        /// No longer in the index, so a build would fail.
        case gone
        /// No index that was asked has a package of that name.
        case unlisted = "not found"
        /// Available, but it needs a package that is not pinned.
        case incomplete
        /// The pins of the environment exclude each other.
        case conflict
        /// The index could not be queried.
        case unknown
    }

    package var source: Source
    /// The environment of a Python package: `jupyter`.
    package var group: String?
    package var name: String
    package var pinned: String
    /// The newest version in the index.
    package var available: String?
    package var state: State
    /// The URL of the Git repository that did not answer, if the pin could not be checked for that reason.
    package var silentRepository: String?
    /// The package that this one needs and that is not pinned.
    package var missing: String?
    /// Why the pins exclude each other.
    package var reason: String?
    /// Names among which the right one may be, if the index has no package of this one.
    package var similar: [String] = []

    /// `apt git 1:2.39.5-0+deb12u2 is no longer available; newest version: 1:2.39.5-0+deb12u3`
    package var sentence: String {
        let subject = [source.rawValue, group, name, pinned].compactMap { $0 }.joined(separator: " ")
        switch state {
        case .current: return "\(subject) is up to date"
        case .outdated: return "\(subject) is outdated; newest version: \(available ?? "?")"
        case .gone: return "\(subject) is no longer available; newest version: \(available ?? "none")"
        case .unlisted where source == .apt:
            return "\(subject): the package index of the base system has no package of that name, "
                + "so its version was not checked; a role may add the repository that has it"
        case .unlisted: return "\(subject): the package index has no distribution of that name"
        case .incomplete:
            return "\(subject) needs \(missing ?? "?"), which is not pinned; "
                + "to add it: dss pins add \(group ?? "") \(name)==\(pinned)"
        case .conflict: return "the pins of \(group ?? "") exclude each other:\n\(reason ?? "")"
        case .unknown:
            return "\(subject) could not be checked" + (silentRepository.map { ": \($0) does not answer" } ?? "")
        }
    }

    static func judge(
        _ source: Source, group: String? = nil, _ name: String, pinned: String, versions: [String]?
    ) -> PinStatus {
        let state: State =
            switch versions {
            case nil: .unknown
            case let versions? where versions.isEmpty: .unlisted
            case let versions?: versions.contains(pinned) ? (versions.first == pinned ? .current : .outdated) : .gone
            }
        return PinStatus(
            source: source, group: group, name: name, pinned: pinned, available: versions?.first, state: state)
    }
}
