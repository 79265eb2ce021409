import Sandbox
import Workbench

/// Checks pins against the package index and finds newer versions.
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

    /// The pins updated to the newest versions; a Git repository that cannot be reached keeps its pin.
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
                    .unavailable, "pip found no compatible versions of \(direct.keys.sorted().joined(separator: ", "))")
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

    /// Resolves all packages of an environment in one query; looks up each locked package individually only if that
    /// fails.
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

    /// `apt git 1:2.39.5-0+deb12u2 is no longer available; newest version: 1:2.39.5-0+deb12u3`
    package var sentence: String {
        let subject = [source.rawValue, group, name, pinned].compactMap { $0 }.joined(separator: " ")
        switch state {
        case .current: return "\(subject) is up to date"
        case .outdated: return "\(subject) is outdated; newest version: \(available ?? "?")"
        case .gone: return "\(subject) is no longer available; newest version: \(available ?? "none")"
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
