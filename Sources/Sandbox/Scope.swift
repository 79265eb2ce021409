/// The context in which running work registers its clean-up and reports its events.
package struct Scope: Sendable {
    package let undo: Undo
    package let events: EventSink

    package init(_ undo: Undo = Undo(), events: @escaping EventSink = { _ in }) {
        self.undo = undo
        self.events = events
    }

    package func notice(_ message: String) { events(.notice(message)) }

    package func warning(_ message: String) { events(.warning(message)) }

    package func progress(_ stage: Stage, _ progress: Progress) { events(.progress(stage, progress)) }

    /// Runs `body` as an activity that the report shows.
    package func activity<Value>(_ name: String, _ body: () async throws -> Value) async rethrows -> Value {
        try await Sandbox.activity(name, events, body)
    }
}

/// A running build: its order, and the scope of the resources that it creates.
package struct BuildContext: Sendable {
    package let order: BuildOrder
    package let scope: Scope

    package init(_ order: BuildOrder, _ scope: Scope) {
        self.order = order
        self.scope = scope
    }

    package var definition: SandboxDefinition { order.definition }
}

extension Scope {
    /// Runs `body`, then removes the resources that it created. The removal runs in its own task, so that cancellation
    /// does not stop it.
    ///
    /// Resources that cannot be removed are reported as warnings after a success and as part of the error after a
    /// failure.
    /// - Parameters:
    ///   - keepsOnSuccess: whether the created resources are the result of `body` and are removed only if it fails.
    ///   - keepsOnFailure: `--keep-on-failure`: whether to keep the machine after a failure, provided that there are
    ///     hints on how to connect to it.
    ///   - requiresCleanUp: whether a leftover after a success is an error, for commands whose user waits for the
    ///     removal.
    ///   - log: records the removal as the stage `clean up`.
    ///   - isSuccess: whether a result counts as a success. If not, the run is a failure although no error was thrown.
    /// - Throws: The error of `body`, wrapped in `LeftBehind` if a resource could not be removed or the machine was kept.
    package static func run<Value: Sendable>(
        keepsOnSuccess: Bool = false, keepsOnFailure: Bool = false, requiresCleanUp: Bool = false,
        log: StageLog? = nil, events: @escaping EventSink = { _ in }, isSuccess: (Value) -> Bool = { _ in true },
        _ body: (Scope) async throws -> Value
    ) async throws -> Value {
        let scope = Scope(events: events)
        let value: Value
        do { value = try await body(scope) } catch {
            await scope.examineFailure()
            let kept = keepsOnFailure ? await scope.keepMachine() : []
            let leftovers = await scope.cleanUp(log)
            throw leftovers.isEmpty && kept.isEmpty
                ? error : LeftBehind(cause: error, leftovers: leftovers, kept: kept)
        }
        let succeeded = isSuccess(value)
        if succeeded ? keepsOnSuccess : keepsOnFailure {
            for hint in await scope.keepMachine() { scope.notice(hint) }
        }
        if succeeded, keepsOnSuccess { return value }
        let leftovers = await scope.cleanUp(log)
        guard leftovers.isEmpty || !requiresCleanUp else {
            throw Failure(.failed, "some resources could not be removed", details: leftovers)
        }
        for leftover in leftovers { scope.warning(leftover) }
        return value
    }

    /// Excludes the machine from the removal. If there are no hints, the machine is not ready and nobody can log in to
    /// it, so it is removed.
    /// - Returns: the hints.
    private func keepMachine() async -> [String] {
        guard await undo.isRemembered else { return [] }
        await Task { [undo] in
            do { try await undo.recordKept() } catch {
                warning("the machine could not be recorded as kept, so the next build removes it: \(error)")
            }
        }.value
        return await undo.forgetKept()
    }

    /// Saves what explains the failure. An interrupted build has no failure to explain.
    private func examineFailure() async {
        guard !Task.isCancelled else { return }
        for line in await undo.examineFailure() { notice(line) }
    }

    private func cleanUp(_ log: StageLog?) async -> [String] {
        await Task { [undo] in
            guard let log else { return await undo.unwind() }
            let removal = try? await log.run(.cleanUp) {
                let leftovers = await undo.unwind()
                return (leftovers, leftovers.isEmpty ? .done : .failed)
            }
            return removal ?? []
        }.value
    }
}

/// An error, and what exists after it.
package struct LeftBehind: Error {
    package var cause: any Error
    /// The resources that could not be removed.
    package var leftovers: [String]
    /// The hints on the machine that was kept for its user.
    package var kept: [String]

    /// Takes over what a `LeftBehind` that is the cause says, so that nothing of it is lost.
    package init(cause: any Error, leftovers: [String], kept: [String] = []) {
        let inner = cause as? LeftBehind
        self.cause = inner?.cause ?? cause
        self.leftovers = (inner?.leftovers ?? []) + leftovers
        self.kept = (inner?.kept ?? []) + kept
    }
}
