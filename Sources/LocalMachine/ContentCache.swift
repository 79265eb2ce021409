import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Directory trees found by the hash of all that went into them.
///
///     base/KEY/  base/KEY.json     a root file system and its seal
///     base/KEY.products/           what others make from it, gone when it is
///     layers/KEY/  …               the changes of an installed step: an overlay's upper directory, moved, never copied
///     locks/                       who makes or uses an entry
///     work/BUILD/                  trees that running builds change
package struct ContentCache: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable, CaseIterable { case base, layers }

    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    func tree(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key)" }
    func seal(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key).json" }
    func products(_ kind: Kind, _ key: String) -> String { CachedTree(key: key, path: tree(kind, key)).products }
    func lock(_ kind: Kind, _ key: String) -> String { "\(directory)/locks/\(kind.rawValue)-\(key).lock" }
    func workspace(_ build: String) -> String { "\(directory)/work/\(build)" }
}

/// What a cache entry is, written when it was whole.
struct CacheSeal: Sendable, Equatable, Codable {
    var key: String
    /// All that went in, in words.
    var inputs: [String: String]
    var fingerprint: String
    var bytes: Int64
    /// What the installed system is known to lack.
    var missing: [MissingComponent]

    /// - Returns: `nil` where the file is missing or is none.
    static func read(_ path: String) -> CacheSeal? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(CacheSeal.self, from: $0) }
    }

    func write(_ path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try writeAtomically(String(decoding: try encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}

/// A read-only tree that a machine's root is stacked from.
package struct CachedTree: Sendable, Equatable {
    package var key: String
    package var path: String
    package var missing: [MissingComponent] = []

    /// A folder beside it for what is made from it alone; it goes when the tree goes.
    package var products: String { "\(path).products" }
}

extension Command {
    /// One line for a whole tree: it changes with any entry's name, type, mode, owner, size, time or link target.
    static func fingerprint(of tree: String) -> Command {
        let script = #"""
            cd "$1" && find . -printf '%P\t%y %m %U:%G %s %T@ %l\0' | LC_ALL=C sort -z | sha256sum | cut -c1-64
            """#
        return Command("sh", ["-c", script, "sh", tree])
    }

    static func diskUsage(of paths: [String]) -> Command { Command("du", ["-skc"] + paths) }

    static func removeTree(_ path: String) -> Command { Command("rm", ["-rf", "--one-file-system", "--", path]) }
}

extension CommandRunner {
    /// Bytes on disk of trees together.
    func diskUsage(of paths: [String]) async throws -> Int64 {
        let output = try await execute(.diskUsage(of: paths)).standardOutput
        let total = output.split(separator: "\n").last?.split(separator: "\t").first
        return total.flatMap { Int64($0) }.map { $0 * 1024 } ?? 0
    }
}
