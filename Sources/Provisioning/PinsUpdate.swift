import Sandbox
import Workbench

/// Changes pins by what the package index has.
extension PinsCheck {
    /// The pins updated to the newest versions; a Git repository that does not answer keeps its pin, with a warning.
    /// - Parameter names: Packages and repositories to update, whatever environment they are in; all others keep their
    ///   versions. `nil` updates all.
    /// - Throws: `UnpinnedNames` if one of the names is not pinned.
    package func update(_ pins: Pins, only names: [String]? = nil) async throws -> Pins {
        if let unknown = names?.filter({ !pins.names.contains($0) && !pins.names.contains(Pins.distribution($0)) }),
            !unknown.isEmpty
        {
            throw UnpinnedNames(names: unknown, known: pins.names.sorted())
        }
        let isMoving = { (name: String) in names?.contains(name) ?? true }
        var updated = pins
        for (name, versions) in try await index.aptVersions(of: pins.apt.keys.filter(isMoving)) {
            updated.apt[name] = versions.first
        }
        let moving = names.map { Set($0.map(Pins.distribution)) }
        let families = pins.pip.keys.sorted().filter { pins.pipExtends[$0] == nil }.map { PinFamily($0, in: pins) }
            .filter { family in moving.map { !$0.isDisjoint(with: family.versions.keys) } ?? true }
        if !families.isEmpty {
            let python = try await pythonVersion()
            for family in families { try await resolve(&updated, family.base, moving: moving, python) }
        }
        for name in pins.git.keys where isMoving(name) {
            guard let url = repositories[name] else { continue }
            guard let tags = try await tags(of: url) else {
                events(.warning("the Git repository \(url) does not answer; the pin of \(name) is unchanged"))
                continue
            }
            updated.git[name] = tags.first { $0.wholeMatch(of: /v?\d+(\.\d+)*/) != nil } ?? pins.git[name]
        }
        return updated
    }

    /// The pins with Debian packages added, each at the version that is asked for or at the newest.
    package func add(debian requirements: [PinRequirement], to pins: Pins) async throws -> Pins {
        let available = try await index.aptVersions(of: requirements.map(\.name))
        var updated = pins
        for requirement in requirements {
            guard let versions = available[requirement.name], let newest = versions.first else {
                throw UnlistedPackage(
                    .apt, requirement.name, similar: try await index.aptNames(startingWith: requirement.name.prefix(2)))
            }
            let version = try requirement.exactVersion ?? newest
            guard versions.contains(version) else {
                throw Failure(
                    .badData, "\(requirement.name) \(version) is not available",
                    details: ["available: \(versions.joined(separator: ", "))"],
                    advice: "dss pins add apt \(requirement.name)")
            }
            updated.apt[requirement.name] = version
        }
        return updated
    }

    /// The pins with Python packages added to an environment, together with what they need. Only the packages that are
    /// named may change their versions.
    /// - Parameter moving: Further packages that may change their versions.
    /// - Throws: `Failure` with code `.badData` if the requirements do not fit the other pins.
    package func add(
        _ requirements: [PinRequirement], to environment: String, moving: [String] = [], _ pins: Pins
    ) async throws -> Pins {
        var updated = pins
        var wanted: [String: PinRequirement] = [:]
        for requirement in requirements {
            let name = Pins.distribution(requirement.name)
            wanted[name] = requirement
            // The key of before is kept, unless extras are asked for.
            let key = updated.pip[environment]?.keys.first { Pins.distribution($0) == name }
            if let key, !requirement.hasExtras { wanted[name]?.name = key }
            if let key { updated.pip[environment]?[key] = nil }
            updated.pip[environment, default: [:]][wanted[name]?.name ?? name] =
                pins.versions(of: environment)[name] ?? ""
            updated.pipLocked[environment] = updated.pipLocked[environment]?.filter {
                Pins.distribution($0.key) != name
            }
        }
        let base = pins.pipExtends[environment] ?? environment
        let names = Set(wanted.keys).union(moving.map(Pins.distribution))
        try await resolve(&updated, base, moving: names, wanted: wanted, try await pythonVersion())
        return updated
    }

    /// Resolves an environment together with those that extend it: all share one directory, so they are resolved in one
    /// query, and what the base alone needs is pinned there.
    /// - Parameters:
    ///   - moving: Names of the packages that may change their versions; `nil` if all may.
    ///   - wanted: Name → requirement, for packages whose version is not free.
    private func resolve(
        _ pins: inout Pins, _ base: String, moving: Set<String>?, wanted: [String: PinRequirement] = [:],
        _ python: String
    ) async throws {
        let family = PinFamily(base, in: pins)
        let excluded = family.excluded
        let source = Array(pins.pipSource.keys)
        let requirements = { (groups: [String]) in family.requirements(of: groups, keepingAllBut: moving, wanted) }
        begin("resolving the Python packages of \(family.title)")
        let all: [String: String]
        do {
            all = try await index.resolve(
                requirements(family.groups),
                constraints: moving.map { moving in family.locked.filter { !moving.contains($0.key) } } ?? [:],
                excluding: excluded, fromSource: source, pythonVersion: python)
        } catch let failure as Failure where failure.code == .badData && moving != nil {
            throw try await explained(failure, pins, family, moving ?? [], wanted, python)
        }
        let before = pins
        var rest = all
        for group in family.groups {
            let versions =
                group == family.groups.last
                ? rest
                : try await index.resolve(
                    requirements([group]), constraints: all, excluding: excluded, fromSource: source,
                    pythonVersion: python
                ).filter { rest[$0.key] != nil }
            let direct = (pins.pip[group] ?? [:]).keys.sorted()
            pins.pip[group] = try direct.reduce(into: [:]) { required, requirement in
                guard let version = all[Pins.distribution(requirement)] else {
                    throw Failure(
                        .badData, "'\(requirement)' is in 'pip.\(group)', but excluded",
                        advice: "remove it from 'pip' or from 'pip_excluded'")
                }
                required[requirement] = version
            }
            let names = Set(direct.map(Pins.distribution))
            let locked = versions.filter { !names.contains($0.key) }
            pins.pipLocked[group] = locked.isEmpty ? pins.pipLocked[group].map { _ in [:] } : locked
            for name in versions.keys { rest[name] = nil }
            begin("reading the hashes of the Python packages of \(group)")
            let known = moving == nil ? [:] : before.hashes(of: group, stillIn: pins)
            let hashes = try await hashes(of: group, in: pins, known: known, python)
            pins.pipSHA256[group] = hashes.isEmpty ? pins.pipSHA256[group].map { _ in [:] } : hashes
        }
    }

    /// The error that says which pins would have to move, and why.
    private func explained(
        _ failure: Failure, _ pins: Pins, _ family: PinFamily, _ moving: Set<String>,
        _ wanted: [String: PinRequirement], _ python: String
    ) async throws -> any Error {
        let reason = failure.details.joined(separator: "\n")
        if let match = reason.firstMatch(
            of: /Because ([A-Za-z0-9._\-]+)(?:\[[^\]]*\])? was not found in the package registry/),
            wanted[Pins.distribution(String(match.1))] != nil
        {
            return UnlistedPackage(.pip, String(match.1), similar: pins.names.subtracting([String(match.1)]).sorted())
        }
        let title = wanted.isEmpty ? "this update" : wanted.values.map(\.text).sorted().joined(separator: ", ")
        begin("looking for the pins that would have to move")
        let moved: [String: String]
        do {
            moved = try await index.resolve(
                family.requirements(of: family.groups, keepingAllBut: nil, wanted),
                preferring: family.versions.filter { !moving.contains($0.key) }, excluding: family.excluded,
                fromSource: Array(pins.pipSource.keys), pythonVersion: python)
        } catch let other as Failure where other.code == .badData {
            return Failure(
                .badData, "\(title) does not fit \(family.title), whatever the other versions are",
                details: other.details)
        }
        let moves = family.versions.sorted { $0.key < $1.key }.filter { name, version in
            !moving.contains(name) && moved[name] != nil && moved[name] != version
        }
        let options = moves.map { " --move \($0.key)" }.joined()
        return Failure(
            .badData, "\(title) does not fit the other pins of \(family.title); nothing was changed",
            details: moves.map { "\($0.key) \($0.value) would move to \(moved[$0.key] ?? "?")" } + failure.details,
            advice: moves.isEmpty ? nil : "to let them move, add:\(options)")
    }

    /// The hashes of an environment: of all its packages, or of none if the index does not publish each of them.
    /// - Parameter known: Hashes that need not be read again.
    /// - Throws: `Failure` with code `.unavailable`: a file without its hashes would be an update that nobody notices.
    private func hashes(
        of group: String, in pins: Pins, known: [String: String], _ python: String
    ) async throws -> [String: String] {
        let versions = pins.versions(of: group).filter { known[$0.key] == nil }
        let source = Array(pins.pipSource.keys)
        guard let wheels = try await index.wheels(of: versions, fromSource: source, pythonVersion: python) else {
            let names = versions.map { "\($0.key)==\($0.value)" }.sorted().joined(separator: ", ")
            throw Failure(.unavailable, "failed to read the hashes of \(names)")
        }
        let read = wheels.compactMapValues(\.sha256)
        return read.count == versions.count ? known.merging(read) { $1 } : [:]
    }
}

extension Pins {
    /// Everything that has a version: Debian packages, normalized names of Python packages, repositories.
    var names: Set<String> {
        Set(apt.keys).union(git.keys).union(Set(pip.keys).union(pipLocked.keys).flatMap { versions(of: $0).keys })
    }

    /// The hashes of an environment's packages whose versions are the same in `new`.
    fileprivate func hashes(of group: String, stillIn new: Pins) -> [String: String] {
        let (old, new) = (versions(of: group), new.versions(of: group))
        return (pipSHA256[group] ?? [:]).reduce(into: [:]) { hashes, entry in
            let name = Pins.distribution(entry.key)
            if let version = new[name], old[name] == version { hashes[name] = entry.value }
        }
    }
}
