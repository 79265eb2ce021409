import Sandbox
import Workbench

/// Holds pins against the index, and finds newer ones.
package struct PinsCheck: Sendable {
    private let index: PackageIndex
    /// Repository name in `pins.yaml` → URL.
    private let repositories: [String: String]

    package init(index: PackageIndex, repositories: [String: String]) {
        self.index = index
        self.repositories = repositories
    }

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
            let tags = try await repositories[name].asyncMap { try await index.tags(of: $0) } ?? nil
            statuses.append(.judge(.git, name, pinned: tag, versions: tags))
        }
        return statuses
    }

    /// The newest versions of everything that can be asked; what cannot be reached stays as it is.
    package func update(_ pins: Pins) async throws -> Pins {
        var updated = pins
        for (name, versions) in try await index.aptVersions(of: Array(pins.apt.keys)) {
            updated.apt[name] = versions.first
        }
        let python = try await pythonVersion()
        for (group, direct) in pins.pip {
            let resolved = try await index.resolve(
                direct.keys.sorted(), pythonVersion: python, withDependencies: true)
            guard let resolved else {
                throw Failure(
                    .unavailable, "pip finds no set of versions for \(direct.keys.sorted().joined(separator: ", "))")
            }
            updated.pip[group] = resolved.filter { direct[$0.key] != nil }
            let others = resolved.filter { direct[$0.key] == nil }
            updated.pipLocked[group] = others.isEmpty ? pins.pipLocked[group] : others
        }
        for name in pins.git.keys {
            guard let url = repositories[name], let tags = try await index.tags(of: url) else { continue }
            updated.git[name] = tags.first { $0.wholeMatch(of: /v?\d+(\.\d+)*/) != nil } ?? pins.git[name]
        }
        return updated
    }

    /// One question for all packages of an environment; only where something is gone is each asked for by itself.
    private func checkPython(_ pins: Pins, _ group: String, _ python: String) async throws -> [PinStatus] {
        let pinned = (pins.pip[group] ?? [:]).merging(pins.pipLocked[group] ?? [:]) { direct, _ in direct }
        let requirements = pinned.sorted { $0.key < $1.key }.map { "\($0.key)==\($0.value)" }
        let found = try await index.resolve(requirements, pythonVersion: python, withDependencies: false)
        return try await withThrowingTaskGroup(of: PinStatus.self) { tasks in
            for (name, version) in pinned {
                let isDirect = pins.pip[group]?[name] != nil
                tasks.addTask {
                    let versions =
                        found != nil && !isDirect ? [version] : try await index.newestPython(name)
                    return .judge(.pip, group: group, name, pinned: version, versions: versions)
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }

    /// The sandbox's own Python, as `3.11`, because that decides which wheels fit.
    private func pythonVersion() async throws -> String {
        let versions = try await index.aptVersions(of: ["python3"])
        guard let newest = versions["python3"]?.first, let match = newest.prefixMatch(of: /\d+\.\d+/) else {
            throw Failure(.unavailable, "the index of the base system has no python3")
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

/// One pinned version held against the index.
package struct PinStatus: Sendable, Equatable, Codable {
    package enum Source: String, Sendable, Codable { case apt, pip, git }

    package enum State: String, Sendable, Codable {
        case current
        /// Still there, but something newer is.
        case outdated
        /// No longer in the index: a build would fail.
        case gone
        /// The index could not be asked.
        case unknown
    }

    package var source: Source
    /// Environment of a Python package: `jupyter`.
    package var group: String?
    package var name: String
    package var pinned: String
    /// The newest version in the index.
    package var available: String?
    package var state: State

    /// `apt git 1:2.39.5-0+deb12u2 is gone, available: 1:2.39.5-0+deb12u3`
    package var sentence: String {
        let subject = [source.rawValue, group, name, pinned].compactMap { $0 }.joined(separator: " ")
        switch state {
        case .current: return "\(subject) is current"
        case .outdated: return "\(subject) is there, newer: \(available ?? "?")"
        case .gone: return "\(subject) is gone, available: \(available ?? "nothing")"
        case .unknown: return "\(subject) could not be checked"
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
