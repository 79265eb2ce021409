import Sandbox
import Synchronization
import Workbench

/// Brings a finished image to a registry: its version first, and `latest` only when that is whole there.
package struct Push: Sendable {
    package var runner: any CommandRunner
    package var repository: ImageRepository
    package var credentials: RegistryCredentials

    package init(
        runner: any CommandRunner, repository: ImageRepository, credentials: RegistryCredentials
    ) {
        self.runner = runner
        self.repository = repository
        self.credentials = credentials
    }

    /// - Returns: the record, which says then that the image is published.
    package func publish(_ record: DockerRecord, in folder: DockerFolder, version: String, events: @escaping EventSink)
        async throws -> DockerRecord
    {
        try await credentials.withFile(for: repository) { file in
            for tag in [version, "latest"] {
                try await activity("push \(tag)", events) {
                    try await push(folder.layout, from: version, as: tag, layers: record.layers.count, file, events)
                }
                try await confirm(tag, record.digest, file)
            }
        }
        var record = record
        record.isPublished = true
        try folder.note(record)
        return record
    }

    private func push(
        _ layout: ImageLayout, from version: String, as tag: String, layers: Int, _ credentials: String?,
        _ events: @escaping EventSink
    ) async throws {
        let command = Command.push(layout, tag: version, to: repository, as: tag, credentials: credentials)
        let begun = Mutex(0)
        do {
            try await runner.run(command) { _, line in
                guard line.hasPrefix("Copying blob") else { return }
                let number = begun.withLock { count in
                    count += 1
                    return count
                }
                events(
                    .progress(
                        .export,
                        Progress(
                            "pushing layers of \(tag)", completed: Double(min(number, layers)), total: Double(layers))))
            }
        } catch let failure as CommandFailure {
            throw Failure(pushing: repository.reference(tag), failure)
        }
    }

    /// Asks the registry what it has under a tag.
    private func confirm(_ tag: String, _ digest: String, _ credentials: String?) async throws {
        let answer: String
        do {
            answer = try await runner.run(.rawManifest(repository, tag, credentials: credentials))
        } catch let failure as CommandFailure { throw Failure(pushing: repository.reference(tag), failure) }
        guard "sha256:\(sha256(ofText: answer))" == digest else {
            throw Failure(
                .temporary, "\(repository.reference(tag)) is not what was pushed: somebody else pushes it too",
                advice: "run the same command again when they have finished")
        }
    }
}
