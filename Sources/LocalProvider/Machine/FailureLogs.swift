import FoundationEssentials
import Sandbox
import Workbench

/// What explains a failed build, in a directory that only root can read. It stays until the next build of the asset id
/// succeeds, or its assets are deleted.
extension LocalMachineFactory {
    private var failuresDirectory: String { "\(stateDirectory)/failures" }

    package func failureLogs(of assetID: AssetID) -> String { "\(failuresDirectory)/\(assetID)" }

    /// Saves the output of the failed playbook, the console and the journal of the machine, as far as they exist.
    /// - Returns: a line that names the directory.
    func saveLogs(of build: Build) async -> [String] {
        var logs = [
            "ansible.log": "ansible/output.log", "console.log": "console.log", "network.log": "network.log",
        ].compactMapValues { try? readText(build.path($0)) }
        logs["journal.log"] = await journal(of: build)
        logs = logs.filter { !$0.value.isEmpty }
        guard !logs.isEmpty else { return [] }
        let folder = failureLogs(of: build.assetID)
        do {
            try await removeLogs(of: build.assetID)
            try makeDirectory(folder, mode: 0o700)
            for (name, text) in logs {
                try writeAtomically(text.withoutCredentials, to: "\(folder)/\(name)", mode: 0o600)
            }
        } catch { return ["the logs of the failed build could not be saved: \(error)"] }
        return ["the logs of the failed build are in \(folder) (\(logs.keys.sorted().joined(separator: ", ")))"]
    }

    /// Removes the logs of an earlier build that failed.
    func removeLogs(of assetID: AssetID) async throws {
        try await runner.run(.removeTree(failureLogs(of: assetID)))
    }

    /// The saved logs, as assets.
    func logAssets() async throws -> [Asset] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: failuresDirectory)) ?? []
        var assets: [Asset] = []
        for name in names.sorted() {
            let path = "\(failuresDirectory)/\(name)"
            assets.append(
                Asset(
                    .failureLogs, assetID: name, id: path, bytes: try await runner.diskUsage(of: [path]), state: .kept))
        }
        return assets
    }

    /// The end of the machine's journal; `nil` if the machine does not answer.
    private func journal(of build: Build) async -> String? {
        guard !BuildResources(name: build.name, in: self).machines.isEmpty else { return nil }
        let command = Command.ssh(
            config: build.path("ssh_config"), alias: build.name, script: "journalctl --no-pager --lines=5000")
        return try? await withTimeout(.seconds(20), "reading the journal") { try await runner.run(command) }
    }
}
