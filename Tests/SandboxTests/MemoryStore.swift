import Sandbox
import Synchronization

/// A store in memory that stops working after a number of changes, as for a program that is killed then.
final class MemoryStore: ArtifactStore {
    private struct State {
        var objects: [String: String] = [:]
        var marked: Set<String> = []
        var changesLeft = Int.max
    }

    struct Killed: Error {}

    private let state = Mutex(State())

    var objects: [String: String] { state.withLock { $0.objects } }

    /// - Parameter isMarked: whether the object says that a build wrote it.
    func put(_ text: String, at key: String, isMarked: Bool = false) {
        state.withLock {
            $0.objects[key] = text
            if isMarked { $0.marked.insert(key) }
        }
    }

    /// Lets so many more changes take effect.
    func die(after changes: Int) { state.withLock { $0.changesLeft = changes } }

    var isDead: Bool { state.withLock { $0.changesLeft < 0 } }

    private func change(_ body: (inout [String: String]) -> Void) throws {
        try state.withLock {
            $0.changesLeft -= 1
            guard $0.changesLeft >= 0 else { throw Killed() }
            body(&$0.objects)
        }
    }

    func list(_ prefix: String) -> [StoredObject] {
        objects.filter { $0.key.hasPrefix(prefix) }.map { StoredObject(key: $0, bytes: Int64($1.utf8.count)) }
            .sorted { $0.key < $1.key }
    }

    func head(_ key: String) -> StoredObject? {
        objects[key].map { StoredObject(key: key, bytes: Int64($0.utf8.count)) }
    }

    func isMarked(_ key: String) -> Bool { state.withLock { $0.marked.contains(key) } }

    func read(_ key: String) -> [UInt8]? { objects[key].map { Array($0.utf8) } }

    func write(_ text: String, to key: String, contentType: String) throws { try change { $0[key] = text } }

    func rename(_ source: String, to target: String) throws {
        try change { $0[target] = $0.removeValue(forKey: source) }
    }

    func delete(_ keys: [String]) throws {
        for key in keys { try change { $0[key] = nil } }
    }

    func address(of key: String) -> String { "memory:\(key)" }
}
