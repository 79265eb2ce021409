/// An event of a running build. The terminal output, the JSON stream and the report are created from these events
/// alone.
package enum BuildEvent: Sendable, Equatable {
    case buildStarted(assetID: AssetID, provider: String)
    case stageStarted(Stage)
    case stageFinished(Stage, seconds: Double, outcome: StageOutcome)
    /// The current activity of a stage, which replaces the previous one.
    case progress(Stage, Progress)
    /// An Ansible task ended.
    case task(TaskResult)
    /// A line of a tool's output, shown with `--verbose` only.
    case output(Stage, line: String)
    /// A long-running activity started, possibly in parallel with others. `activityFinished` carries the same name.
    case activityStarted(String)
    case activityFinished(String)
    /// The machine has this generated default password from now on. It is delivered here and not only by the report,
    /// because the system may outlive a build that fails later.
    case passwordSet(user: String, Secret)
    case notice(String)
    case warning(String)
    case artifact(Artifact)
}

extension BuildEvent {
    /// A warning that a component is missing from the sandbox.
    package static func lacking(_ part: MissingComponent) -> BuildEvent {
        .warning("the sandbox goes without \(part.component): \(part.reason)")
    }
}

package enum StageOutcome: String, Sendable, Codable {
    case done
    /// The result of an earlier build was reused, so nothing had to run.
    case cached
    case failed
    /// Ctrl-C or a signal ended the stage.
    case interrupted
}

/// The progress of an activity: `12 of 31 tasks`, `512 of 1300 MB`, or only its name.
package struct Progress: Sendable, Equatable, Codable {
    package enum Unit: String, Sendable, Codable { case bytes, tasks, percent, none }

    package var activity: String
    package var completed: Double
    package var total: Double?
    package var unit: Unit

    package init(_ activity: String, completed: Double = 0, total: Double? = nil, unit: Unit = .none) {
        self.activity = activity
        self.completed = completed
        self.total = total
        self.unit = unit
    }
}

/// The result of one Ansible task on the build machine.
package struct TaskResult: Sendable, Equatable, Codable {
    package enum Status: String, Sendable, Codable { case ok, changed, skipped, failed, unreachable, ignored }

    package var index: Int
    /// Number of tasks in the run, if known.
    package var count: Int?
    package var role: String?
    package var name: String
    package var status: Status
    package var seconds: Double
    /// The Ansible module of a failed task; `message` is the module's message.
    package var module: String?
    package var message: String?

    package init(
        index: Int, count: Int?, role: String?, name: String, status: Status, seconds: Double,
        module: String? = nil, message: String? = nil
    ) {
        self.index = index
        self.count = count
        self.role = role
        self.name = name
        self.status = status
        self.seconds = seconds
        self.module = module
        self.message = message
    }
}

/// Receives events as they occur. It is called from any task and must return at once.
package typealias EventSink = @Sendable (BuildEvent) -> Void

/// The stages of the workflow, in order.
package enum Stage: String, Sendable, Codable, CaseIterable {
    case setup
    case install
    case seal
    case capture
    case export
    case cleanUp = "clean up"
}
