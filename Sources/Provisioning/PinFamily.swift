import Sandbox

/// An environment and those that extend it, which are installed in one directory.
struct PinFamily {
    let base: String
    let groups: [String]
    private let pins: Pins

    init(_ base: String, in pins: Pins) {
        self.base = base
        self.pins = pins
        groups = [base] + pins.pipExtends.filter { $0.value == base }.keys.sorted()
    }

    var title: String { groups.joined(separator: " and ") }

    /// Normalized name → version, of all packages.
    var versions: [String: String] {
        groups.reduce(into: [:]) { $0.merge(pins.versions(of: $1)) { first, _ in first } }
    }

    /// Name → version, of the packages that only others require.
    var locked: [String: String] {
        groups.reduce(into: [:]) { locked, group in
            for (name, version) in pins.pipLocked[group] ?? [:] { locked[Pins.distribution(name)] = version }
        }
    }

    var excluded: [String] { groups.flatMap { (pins.pipExcluded[$0] ?? [:]).keys } }

    /// The directly required packages of the groups.
    /// - Parameters:
    ///   - moving: Names of the packages whose versions are not part of the requirement; `nil` for all.
    ///   - wanted: Name → requirement that takes the place of the pin.
    func requirements(
        of groups: [String]? = nil, keepingAllBut moving: Set<String>?, _ wanted: [String: PinRequirement] = [:]
    ) -> [String] {
        (groups ?? self.groups).flatMap { group in
            (pins.pip[group] ?? [:]).sorted { $0.key < $1.key }.map { key, version in
                let name = Pins.distribution(key)
                if let requirement = wanted[name] { return key + requirement.specifier }
                return moving?.contains(name) ?? true ? key : "\(key)==\(version)"
            }
        }
    }
}

extension PinFamily {
    /// The packages that need one that is resolved, but not pinned.
    func incomplete(_ resolved: [PackageIndex.Resolved]) -> [PinStatus] {
        let pinned = versions
        return resolved.filter { pinned[$0.name] == nil }.flatMap { package in
            package.requiredBy.filter { pinned[$0] != nil }.map { name in
                let group = groups.first { pins.versions(of: $0)[name] != nil }
                var status = PinStatus(
                    source: .pip, group: group, name: name, pinned: pinned[name] ?? "", state: .incomplete)
                status.missing = package.name
                return status
            }
        }
    }
}
