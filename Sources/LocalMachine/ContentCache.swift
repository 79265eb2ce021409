import Sandbox

/// Directory trees found by the hash of all that went into them, each sealed when it was whole.
package struct ContentCache: Sendable, Equatable {
    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    package struct Entry: Sendable, Equatable, Codable {
        package enum Kind: String, Sendable, Codable, CaseIterable { case base, layers }
        package var kind: Kind
        package var key: String
        /// The inputs in words.
        package var inputs: [String: String]
        package var bytes: Int64
        package var lastUsed: Double
        package var isInUse: Bool
    }

    package func entries() throws -> [Entry] { [] }
    package func remove(_ entry: Entry) async throws {}
    /// Removes entries unused for `days`, then the longest unused until the rest is below `bytes`.
    package func prune(unusedForDays days: Double?, toBytes bytes: Int64?) async throws -> [Entry] { [] }
}

/// A read-only tree that a machine's root is stacked from.
package struct CachedTree: Sendable, Equatable {
    package var key: String
    package var path: String
}
