/// Something that a build made and that stays until somebody removes it.
package struct Asset: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case image
        case manifest
        case machine
        case network
        case process
        case mount
        case buildDirectory = "build-directory"
        case partialExport = "partial-export"
    }

    package enum State: String, Sendable, Codable {
        /// Finished and meant to stay.
        case ready
        /// Belongs to a build that runs now.
        case inUse = "in use"
        /// Left by a build that was killed.
        case orphaned
    }

    package var assetID: String
    package var kind: Kind
    /// Path, process id or name by which the system knows it.
    package var name: String
    /// Bytes on disk, where that means something.
    package var bytes: Int64?
    package var state: State

    package init(assetID: String, kind: Kind, name: String, bytes: Int64? = nil, state: State) {
        self.assetID = assetID
        self.kind = kind
        self.name = name
        self.bytes = bytes
        self.state = state
    }
}
