import Sandbox

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
