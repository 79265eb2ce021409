/// What has been created and how it is removed again, last in, first out.
///
/// Every created resource registers here before the next step; `Scope.run` runs what is registered when its body
/// ends, also when it throws or the task is cancelled.
package actor Undo {
    package struct Step: Sendable {
        /// The resource in words, with its id.
        package var resource: String
        /// The command that removes it by hand.
        package var remedy: String
        /// Part of the machine that `--keep-on-failure` leaves for a look.
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

    /// Runs all steps, also after one has failed.
    /// - Returns: a line for each resource that could not be removed: what it is, why, and the command that does it.
    package func unwind() async -> [String] {
        var leftovers: [String] = []
        while let step = steps.popLast() {
            do { try await step.run() } catch {
                leftovers.append("\(step.resource) could not be removed: \(error); remove it with: \(step.remedy)")
            }
        }
        return leftovers
    }

    /// Remembers how to look at what `--keep-on-failure` leaves.
    package func remember(hint: String) {
        hints.append(hint)
    }

    /// Of what has become of it since.
    package func replaceHints(_ hints: [String]) {
        self.hints = hints
    }

    /// Whether there is a machine to look at.
    package var isRemembered: Bool { !hints.isEmpty }

    /// Leaves the machine standing, for `--keep-on-failure`.
    /// - Returns: how to look at it.
    package func forgetKept() -> [String] {
        steps.removeAll(where: \.isKeepable)
        return hints
    }
}
