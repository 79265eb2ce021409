import Synchronization

/// A stack of created resources and how to remove each of them: last in, first out.
///
/// Every resource is registered here as soon as it is created, before the next step. `Scope.run` runs the registered
/// steps when its body ends, even if it throws or the task is canceled.
package actor Undo {
    package struct Step: Sendable {
        /// Description of the resource, with its id.
        package var resource: String
        /// The command that removes the resource manually.
        package var remedy: String
        /// Whether the resource is part of the machine that `--keep-on-failure` keeps for inspection.
        package var isKeepable: Bool
        package var run: @Sendable () async throws -> Void
        fileprivate let pending: PendingRemovals.Entry
    }

    private var steps: [Step] = []
    private var hints: [String] = []
    private var keepers: [@Sendable () async throws -> Void] = []
    private var examiners: [@Sendable () async -> [String]] = []

    package init() {}

    // Resources that are kept are no longer to be removed.
    deinit { for step in steps { PendingRemovals.remove(step.pending) } }

    package func register(
        _ resource: String, remedy: String, isKeepable: Bool = false,
        _ run: @escaping @Sendable () async throws -> Void
    ) {
        let pending = PendingRemovals.add(resource, remedy: remedy)
        steps.append(
            Step(resource: resource, remedy: remedy, isKeepable: isKeepable, run: run, pending: pending))
    }

    /// Runs all steps, even if one of them fails.
    /// - Returns: One line for each resource that could not be removed: what it is, why, and the command that removes
    ///   it.
    package func unwind() async -> [String] {
        var leftovers: [String] = []
        while let step = steps.popLast() {
            do { try await step.run() } catch {
                leftovers.append("\(step.resource) could not be removed: \(error); remove it with: \(step.remedy)")
            }
            PendingRemovals.remove(step.pending)
        }
        return leftovers
    }

    /// Adds a hint on how to inspect the machine that `--keep-on-failure` keeps.
    package func remember(hint: String) {
        hints.append(hint)
    }

    /// Replaces the hints after the state of the machine has changed.
    package func replaceHints(_ hints: [String]) {
        self.hints = hints
    }

    /// Adds what has to be done when the machine is kept, such as a record of it, so that no later run takes it for the
    /// leftover of a killed build.
    package func whenKept(_ record: @escaping @Sendable () async throws -> Void) {
        keepers.append(record)
    }

    /// Adds what has to be done after a failure while everything is still there, such as saving logs.
    /// - Parameter examine: Returns lines for the user.
    package func whenFailed(_ examine: @escaping @Sendable () async -> [String]) {
        examiners.append(examine)
    }

    func recordKept() async throws {
        for record in keepers { try await record() }
    }

    func examineFailure() async -> [String] {
        var lines: [String] = []
        for examine in examiners { lines += await examine() }
        return lines
    }

    /// Whether there is a machine to inspect.
    package var isRemembered: Bool { !hints.isEmpty }

    /// Excludes the machine from the removal, for `--keep-on-failure`.
    /// - Returns: The hints on how to inspect the machine.
    package func forgetKept() -> [String] {
        for step in steps where step.isKeepable { PendingRemovals.remove(step.pending) }
        steps.removeAll(where: \.isKeepable)
        return hints
    }
}

/// The resources that this process has yet to remove, for a message at an exit that removes none of them.
package enum PendingRemovals {
    /// Identifies a registered resource.
    package struct Entry: Sendable, Hashable {
        fileprivate var number: Int
    }

    private static let all = Mutex<(lines: [Entry: String], count: Int)>((lines: [:], count: 0))

    /// One line for each resource, in the order of creation: what it is, and the command that removes it.
    package static var lines: [String] {
        all.withLock { $0.lines.sorted { $0.key.number < $1.key.number }.map(\.value) }
    }

    fileprivate static func add(_ resource: String, remedy: String) -> Entry {
        all.withLock { all in
            all.count += 1
            let entry = Entry(number: all.count)
            all.lines[entry] = resource + (remedy.isEmpty ? "" : "; remove it with: \(remedy)")
            return entry
        }
    }

    fileprivate static func remove(_ entry: Entry) {
        all.withLock { all in all.lines[entry] = nil }
    }
}
