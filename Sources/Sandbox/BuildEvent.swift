/// What a build says while it runs; the terminal, the JSON stream and the report are made from nothing else.
package enum BuildEvent: Sendable, Equatable, Codable {
    case buildStarted(assetID: AssetID, provider: String)
    case stageStarted(Stage)
    case stageFinished(Stage, seconds: Double, outcome: StageOutcome)
    /// What runs right now within a stage; replaces the previous activity.
    case progress(Stage, Progress)
    /// An Ansible task ended.
    case task(TaskResult)
    /// A line that a tool printed; shown with `--verbose` only.
    case output(Stage, line: String)
    /// Something began that takes its time, perhaps beside others; its name is told again when it ends.
    case activityStarted(String)
    case activityFinished(String)
    case notice(String)
    case warning(String)
    case artifact(Artifact)
}

extension BuildEvent {
    /// That the sandbox goes without something.
    package static func lacking(_ part: MissingComponent) -> BuildEvent {
        .warning("the sandbox goes without \(part.component): \(part.reason)")
    }
}

package enum StageOutcome: String, Sendable, Codable {
    case done
    /// Nothing had to be run: the result was there from an earlier build.
    case cached
    case failed
}

/// How far an activity is: `12 of 31 tasks`, `512 of 1300 MB`, or just what it is.
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

/// The result of one Ansible task on the machine.
package struct TaskResult: Sendable, Equatable, Codable {
    package enum Status: String, Sendable, Codable { case ok, changed, skipped, failed, unreachable, ignored }

    package var index: Int
    /// Number of tasks in the run, as far as it is known.
    package var count: Int?
    package var role: String?
    package var name: String
    package var status: Status
    package var seconds: Double
    /// The module and its message where the task failed.
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

/// Takes events as they happen; called from any task, must return at once.
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
