import Sandbox
import Workbench

/// Checks pins against the package index and finds newer versions.
package struct PinsCheck: Sendable {
    private let index: PackageIndex
    /// Repository name in `pins.yaml` → URL.
    private let repositories: [String: String]
    private let events: EventSink

    package init(index: PackageIndex, repositories: [String: String], events: @escaping EventSink = { _ in }) {
        self.index = index
        self.repositories = repositories
        self.events = events
    }

    private func begin(_ activity: String) { events(.progress(.install, Progress(activity))) }

    private func tags(of url: String) async throws -> [String]? {
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
        for (name, tag) in pins.git.sorted(by: { $0.key < $1.key }) {
            let url = repositories[name]
            let tags = try await url.asyncMap { try await self.tags(of: $0) } ?? nil
            var status = PinStatus.judge(.git, name, pinned: tag, versions: tags)
            if tags == nil { status.silentRepository = url }
            statuses.append(status)
        }
        return statuses
    }

    /// The pins updated to the newest versions; a Git repository that does not answer keeps its pin, with a warning.
    package func update(_ pins: Pins) async throws -> Pins {
        var updated = pins
        for (name, versions) in try await index.aptVersions(of: Array(pins.apt.keys)) {
            updated.apt[name] = versions.first
        }
        let python = try await pythonVersion()
        for base in pins.pip.keys.sorted() where pins.pipExtends[base] == nil {
            try await update(&updated, base, python)
        }
        for name in pins.git.keys {
            guard let url = repositories[name] else { continue }
            guard let tags = try await tags(of: url) else {
                events(.warning("the Git repository \(url) does not answer; the pin of \(name) is unchanged"))
                continue
            }
            updated.git[name] = tags.first { $0.wholeMatch(of: /v?\d+(\.\d+)*/) != nil } ?? pins.git[name]
        }
        return updated
    }

    /// Updates an environment together with those that extend it: all share one directory, so they are resolved in one
    /// query, and what the base alone needs is pinned there.
    private func update(_ pins: inout Pins, _ base: String, _ python: String) async throws {
        let extensions = pins.pipExtends.filter { $0.value == base }.keys.sorted()
        let direct = { [pins] (group: String) in (pins.pip[group] ?? [:]).keys.sorted() }
        let excluded = ([base] + extensions).flatMap { (pins.pipExcluded[$0] ?? [:]).keys }
        begin("resolving the Python packages of \(([base] + extensions).joined(separator: " and "))")
        let all = try await index.resolve(
            ([base] + extensions).flatMap(direct), excluding: excluded,
            fromSource: Array(pins.pipSource.keys), pythonVersion: python)
        var rest = all
        for group in [base] + extensions {
            let versions =
                group == extensions.last ?? base
                ? rest
                : try await index.resolve(
                    direct(group), constraints: all, excluding: excluded,
                    fromSource: Array(pins.pipSource.keys), pythonVersion: python
                ).filter { rest[$0.key] != nil }
            pins.pip[group] = try direct(group).reduce(into: [:]) { required, requirement in
                guard let version = all[Pins.distribution(requirement)] else {
                    throw Failure(
                        .badData, "'\(requirement)' is in 'pip.\(group)', but excluded",
                        advice: "remove it from 'pip' or from 'pip_excluded'")
                }
                required[requirement] = version
            }
            let names = Set(direct(group).map(Pins.distribution))
            let locked = versions.filter { !names.contains($0.key) }
            pins.pipLocked[group] = locked.isEmpty ? pins.pipLocked[group].map { _ in [:] } : locked
            for name in versions.keys { rest[name] = nil }
            begin("reading the hashes of the Python packages of \(group)")
            let hashes = try await hashes(of: group, in: pins, python)
            pins.pipSHA256[group] = hashes.isEmpty ? pins.pipSHA256[group].map { _ in [:] } : hashes
        }
    }

    /// - Throws: `Failure` with code `.unavailable`: a file without its hashes would be an update that nobody notices.
    private func hashes(of group: String, in pins: Pins, _ python: String) async throws -> [String: String] {
        let versions = pins.versions(of: group)
        let source = Array(pins.pipSource.keys)
        guard let wheels = try await index.wheels(of: versions, fromSource: source, pythonVersion: python) else {
            let names = versions.map { "\($0.key)==\($0.value)" }.sorted().joined(separator: ", ")
            throw Failure(.unavailable, "failed to read the hashes of \(names)")
        }
        return wheels.compactMapValues(\.sha256)
    }

    /// Resolves all packages of an environment in one query; looks up each locked package individually only if that
    /// fails.
    private func checkPython(_ pins: Pins, _ group: String, _ python: String) async throws -> [PinStatus] {
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
    private func pythonVersion() async throws -> String {
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

    /// `apt git 1:2.39.5-0+deb12u2 is no longer available; newest version: 1:2.39.5-0+deb12u3`
    package var sentence: String {
        let subject = [source.rawValue, group, name, pinned].compactMap { $0 }.joined(separator: " ")
        switch state {
        case .current: return "\(subject) is up to date"
        case .outdated: return "\(subject) is outdated; newest version: \(available ?? "?")"
        case .gone: return "\(subject) is no longer available; newest version: \(available ?? "none")"
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
            case let versions?: versions.contains(pinned) ? (versions.first == pinned ? .current : .outdated) : .gone
            }
        return PinStatus(
            source: source, group: group, name: name, pinned: pinned, available: versions?.first, state: state)
    }
}
