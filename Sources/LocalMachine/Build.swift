import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// One running build: its lock, its directories and the locks on what it uses of the cache.
package final class Build: Sendable {
    package let assetID: AssetID
    package let name: String
    /// Keys, configuration and logs.
    package let directory: String
    /// Where the trees lie that the build changes, on the cache's file system.
    package let workspace: String
    let holder: String
    private let locks: Mutex<Locks>

    private struct Locks: ~Copyable {
        var own: FileLock?
        var entries: [EntryLock] = []
    }

    init(
        assetID: AssetID, name: String, directory: String, workspace: String, holder: String,
        lock: consuming FileLock
    ) {
        self.assetID = assetID
        self.name = name
        self.directory = directory
        self.workspace = workspace
        self.holder = holder
        locks = Mutex(Locks(own: lock))
    }

    package func path(_ file: String) -> String { "\(directory)/\(file)" }

    /// Set for every process of the build, so that what a killed build left running is recognized.
    var environment: [String: String?] { [Self.marker: directory] }
    static let marker = "DSS_BUILD_DIRECTORY"

    func hold(_ lock: EntryLock) {
        locks.withLock { $0.entries.append(lock) }
    }

    /// Gives the asset id and the used parts of the cache back.
    func close() {
        locks.withLock {
            $0.own = nil
            $0.entries = []
        }
    }
}

/// What stands in a build directory, for whoever finds it.
struct BuildRecord: Sendable, Equatable, Codable {
    static let file = "build.json"

    var assetID: String
    var pid: Int32
    var started: String

    static func read(_ directory: String) -> BuildRecord? {
        FileManager.default.contents(atPath: "\(directory)/\(file)")
            .flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
    }

    func write(_ directory: String) throws {
        try writeAtomically(
            String(decoding: try JSONEncoder().encode(self), as: UTF8.self) + "\n", to: "\(directory)/\(Self.file)")
    }
}
