import FoundationEssentials
import Sandbox
import Workbench

/// Guests that still run after the `dss` that booted them was killed.
package struct LeftoverGuests: Sendable {
    package init() {}

    /// All guests of any `dss` on this machine; those whose starter lives are in use.
    package func assets() -> [Asset] {
        guests().map { process, name in
            Asset(
                assetID: name.assetID, kind: .process, name: "\(process.pid) (\(name))",
                state: name.starterLives ? .inUse : .orphaned)
        }
    }

    /// Ends the orphaned guests of the assets that a pattern matches and removes their files; guests of a living `dss`
    /// stay.
    /// - Returns: what was ended.
    @discardableResult
    package func remove(_ pattern: AssetPattern = AssetPattern("*")) async -> [Asset] {
        var ended: [Asset] = []
        for (process, name) in guests() where !name.starterLives && pattern.matches(name.assetID) {
            let directory = Self.directory(commandLine: commandLine(of: process.pid))
            await process.stop()
            if let directory { try? FileManager.default.removeItem(atPath: directory) }
            ended.append(
                Asset(assetID: name.assetID, kind: .process, name: "\(process.pid) (\(name))", state: .orphaned))
        }
        return ended
    }

    private func guests() -> [(BackgroundProcess, GuestName)] {
        BackgroundProcess.all { Self.name(commandLine: $0) != nil }.compactMap { process in
            Self.name(commandLine: commandLine(of: process.pid)).map { (process, $0) }
        }
    }

    private func commandLine(of pid: Int32) -> [String] {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The guest's temporary directory, told by where its pid file lies; nothing else is ever taken for one.
    static func directory(commandLine words: [String]) -> String? {
        guard let position = words.firstIndex(of: "-pidfile"), position + 1 < words.count else { return nil }
        let parts = words[position + 1].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 2, parts.first == "", parts.last == "qemu.pid", parts[parts.count - 2].hasPrefix("dss.")
        else { return nil }
        return parts.dropLast().joined(separator: "/")
    }

    /// The name that a QEMU was given.
    static func name(commandLine words: [String]) -> GuestName? {
        guard let program = words.first, program.contains("qemu-system"),
            let position = words.firstIndex(of: "-name"), position + 1 < words.count
        else { return nil }
        return GuestName(parsing: words[position + 1])
    }
}
