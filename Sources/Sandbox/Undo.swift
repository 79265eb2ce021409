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
    }

    private var steps: [Step] = []
    private var hints: [String] = []

    package init() {}

    package func register(
        _ resource: String, remedy: String, isKeepable: Bool = false,
        _ run: @escaping @Sendable () async throws -> Void
    ) {
        steps.append(Step(resource: resource, remedy: remedy, isKeepable: isKeepable, run: run))
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

    /// Whether there is a machine to inspect.
    package var isRemembered: Bool { !hints.isEmpty }

    /// Excludes the machine from the removal, for `--keep-on-failure`.
    /// - Returns: The hints on how to inspect the machine.
    package func forgetKept() -> [String] {
        steps.removeAll(where: \.isKeepable)
        return hints
    }
}
