import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// What is kept here of a machine on AWS: its keys, how it is reached, and which one it is. Readable by its owner alone.
///
/// A help and no need: where it is gone, a machine that is not finished is made anew.
struct MachineDirectory: Sendable {
    let path: String

    var key: String { "\(path)/key" }
    var hostKey: String { "\(path)/host_key" }
    var knownHosts: String { "\(path)/known_hosts" }
    var sshConfig: String { "\(path)/ssh_config" }
    private var socket: String { "\(path)/mux" }
    private var recordFile: String { "\(path)/machine.json" }
    /// Beside it, since it outlives it.
    private var lock: String { "\(path).lock" }

    /// How the machine is reached, by the alias that its launch has written down; `nil` where that is not here.
    var endpoint: SSHEndpoint? {
        guard let text = try? readText(sshConfig), let host = text.firstMatch(of: /^Host (\S+)\n/) else { return nil }
        return SSHEndpoint(configFile: sshConfig, alias: String(host.1))
    }

    /// Which machine the keys belong to.
    struct Record: Sendable, Equatable, Codable {
        var stackID: String
        var instanceID: String
    }

    var record: Record? {
        (try? readText(recordFile)).flatMap { try? JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
    }

    func write(_ record: Record) throws {
        let json = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        try writeAtomically(json + "\n", to: recordFile, mode: 0o600)
    }

    /// - Throws: `LockHeld` where another process of this machine works on the same asset id.
    func claim(holder: String) throws -> MachineClaim {
        try makeDirectory(parentDirectory(path), mode: 0o700)
        return MachineClaim(try FileLock(lock, holder: holder))
    }

    /// Empty, whatever was there.
    func clear() throws {
        try remove()
        try makeDirectory(path, mode: 0o700)
    }

    func remove() throws {
        guard fileExists(path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    /// One connection for all calls; a socket's path may have 107 bytes, of which ssh takes some for a temporary name.
    var controlPath: String? { socket.utf8.count <= 85 ? socket : nil }
}

/// The right to work on one asset id, until it is given back or the process ends.
final class MachineClaim: Sendable {
    private struct Held: ~Copyable {
        var lock: FileLock?
    }

    private let held: Mutex<Held>

    init(_ lock: consuming FileLock) {
        held = Mutex(Held(lock: lock))
    }

    func giveBack() { held.withLock { $0.lock = nil } }
}
