import Sandbox
import Synchronization
import Workbench

/// One running build: its lock, its directory and the names of everything that belongs to it.
package final class Build: Sendable {
    package let assetID: AssetID
    package let name: String
    package let directory: String
    private let lock: Mutex<FileLock?>

    init(assetID: AssetID, name: String, directory: String, lock: consuming FileLock) {
        self.assetID = assetID
        self.name = name
        self.directory = directory
        self.lock = Mutex(lock)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }
}
