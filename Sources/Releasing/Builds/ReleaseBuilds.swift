import AWSCore
import AWSServices
import Sandbox

/// Builds on CodeBuild: started, followed side by side, and stopped where somebody wants that.
package struct ReleaseBuilds: Sendable {
    private let client: AWSClient
    private let pace: Pace
    private let talk: Talk

    /// How a person is told and asked.
    package struct Talk: Sendable {
        package var tell: @Sendable (ReleaseBuild, BuildNews) -> Void
        /// Asked when the following is interrupted: whether these builds are to end as well.
        package var stops: @Sendable ([StartedBuild]) async -> Bool

        package init(
            tell: @escaping @Sendable (ReleaseBuild, BuildNews) -> Void,
            stops: @escaping @Sendable ([StartedBuild]) async -> Bool
        ) {
            self.tell = tell
            self.stops = stops
        }
    }

    package init(_ client: AWSClient, pace: Pace, _ talk: Talk) {
        self.client = client
        self.pace = pace
        self.talk = talk
    }

    /// Starts all of them, or none.
    /// - Throws: where one cannot be started; `LeftBehind` where another could not be stopped after that.
    package func start(_ builds: [ReleaseBuild], in project: String) async throws -> [StartedBuild] {
        try await undoingOnFailure { undo in
            var started: [StartedBuild] = []
            for build in builds {
                let answer = try await client.call(build.request(project: project)).build
                let one = StartedBuild(build: build, id: answer.id, region: client.region)
                await undo.register("the build \(one.id)", remedy: one.stopLine) { try await stop(one) }
                talk.tell(build, .started(id: one.id))
                started.append(one)
            }
            return started
        }
    }

    /// Follows all of them to their ends, in the given order.
    /// - Throws: `LeftBehind` where it gives up and the builds go on.
    package func follow(_ started: [StartedBuild]) async throws -> [EndedBuild] {
        do {
            return try await withThrowingTaskGroup(of: (Int, EndedBuild).self) { group in
                for (index, one) in started.enumerated() {
                    group.addTask { (index, try await BuildFollower(client, pace, one, tell(one)).run()) }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        } catch is CancellationError {
            // In a task of its own: the question must not be cancelled with what it is about.
            throw await Task { await afterInterruption(started) }.value
        } catch {
            throw LeftBehind(cause: error, leftovers: started.map { Self.fate("may go on", $0) })
        }
    }

    private func tell(_ one: StartedBuild) -> @Sendable (BuildNews) -> Void {
        { talk.tell(one.build, $0) }
    }

    private func afterInterruption(_ started: [StartedBuild]) async -> any Error {
        let running = (try? await self.running(among: started)) ?? started
        guard !running.isEmpty else { return CancellationError() }
        guard await talk.stops(running) else {
            return LeftBehind(cause: CancellationError(), leftovers: running.map { Self.fate("goes on", $0) })
        }
        var leftovers: [String] = []
        for one in running {
            do { try await stop(one) } catch {
                leftovers.append("the build \(one.id) could not be stopped: \(error); stop it with: \(one.stopLine)")
            }
        }
        return leftovers.isEmpty
            ? CancellationError() : LeftBehind(cause: CancellationError(), leftovers: leftovers)
    }

    private func running(among started: [StartedBuild]) async throws -> [StartedBuild] {
        let builds = try await client.call(CodeBuild.BatchGetBuilds(ids: started.map(\.id))).builds ?? []
        let ended = Set(builds.filter { $0.buildStatus != "IN_PROGRESS" }.map(\.id))
        return started.filter { !ended.contains($0.id) }
    }

    private func stop(_ one: StartedBuild) async throws {
        _ = try await client.call(CodeBuild.StopBuild(id: one.id))
    }

    private static func fate(_ fate: String, _ one: StartedBuild) -> String {
        "the build \(one.id) \(fate); stop it with: \(one.stopLine)"
    }
}
