import Definition
import FoundationEssentials
import LocalProvider
import Provisioning
import Sandbox
import Workbench

extension Live {
    /// The directory for the Docker image of an asset id.
    func folder(
        _ assetID: AssetID, _ names: SandboxDefinition.Names, _ place: DirectoryOptions
    ) -> AssetFolder<DirectoryStore> {
        AssetFolder(store(place), assetID, under: names.bucketPrefix)
    }

    func dockerOrder(_ build: BuildOrder, _ options: DockerOptions, folder: String) async throws -> DockerOrder {
        let definition = build.definition
        let version = options.imageVersion ?? build.assetID.rawValue
        let commit = await commit(in: folder)
        return try DockerOrder(
            build, repository: try options.repository(definition), version: version, compression: options.compression,
            inputs: try BuildInputs(build), revision: commit?.id,
            created: environment["SOURCE_DATE_EPOCH"].flatMap { Int($0) } ?? commit?.time,
            programDigest: try sha256(of: "/proc/self/exe"))
    }

    func push(_ order: DockerOrder, user: String?) throws -> Push {
        Push(
            runner: runner, repository: order.repository,
            credentials: try RegistryCredentials(user: user, environment: environment))
    }

    /// The current commit of a directory; `nil` if it is not under version control.
    private func commit(in folder: String) async -> (id: String, time: Int)? {
        let git = Command(
            "git", ["-c", "safe.directory=*", "log", "--max-count=1", "--format=%H %ct"], workingDirectory: folder)
        guard let output = try? await runner.execute(git), output.status.isSuccess else { return nil }
        let words = output.standardOutput.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let time = Int(words[1]) else { return nil }
        return (String(words[0]), time)
    }
}
