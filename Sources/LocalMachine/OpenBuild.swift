import FoundationEssentials
import Glibc
import Sandbox
import Workbench

extension LocalMachineFactory {
    var buildsDirectory: String { "\(stateDirectory)/builds" }

    func lockPath(_ name: String) -> String { "\(buildsDirectory)/\(name).lock" }

    /// Claims an asset id and makes the build's directories; what a killed build of the same id left is removed first.
    /// - Throws: `Failure(.temporary)` that names the other build where one runs.
    package func open(_ assetID: AssetID, undo: Undo, events: EventSink) async throws -> Build {
        let name = machineName(assetID.rawValue, stateDirectory: stateDirectory)
        try makeDirectory(buildsDirectory)
        let record = BuildRecord(assetID: assetID.rawValue, pid: getpid(), started: Date().formatted(.iso8601))
        let holder = "\(assetID) (process \(record.pid), since \(record.started))"
        let lock: FileLock
        do { lock = try FileLock(lockPath(name), holder: holder) } catch let held as LockHeld {
            throw Failure(
                .temporary, "another build of asset id \(held.holder) runs now",
                advice: "wait for it, end it with Ctrl-C, or use another --asset-id")
        }
        let parts = BuildParts(name: name, in: self)
        if try await !find(parts, assetID: assetID.rawValue, state: .orphaned).isEmpty {
            events(.notice("removing what an earlier build of \(assetID) left when it was killed"))
            try await dismantle(parts)
        }

        let build = Build(
            assetID: assetID, name: name, directory: parts.directory, workspace: parts.workspace, holder: holder,
            lock: lock)
        await undo.register("the build directory \(build.directory)", remedy: remedy(assetID), isKeepable: true) {
            defer { build.close() }
            try await dismantle(parts)
        }
        // Complete from the moment it exists under its name.
        try makeDirectory(parts.unfinished, mode: 0o700)
        try record.write(parts.unfinished)
        guard rename(parts.unfinished, parts.directory) == 0 else { throw FileError("make", parts.directory) }
        try makeDirectory(parts.workspace, mode: 0o700)
        return build
    }

    func remedy(_ assetID: AssetID) -> String {
        "dss delete-assets --asset-id \(shellQuoted(assetID.rawValue))"
    }

    /// What to say of a machine that is kept.
    package func hints(_ machine: LocalMachine) -> [String] {
        [
            "the machine was kept, reach it with: sudo \(machine.endpoint.commandLine)",
            "remove it with: \(remedy(machine.build.assetID))",
        ]
    }
}
