import Sandbox

/// Progress for programs: one JSON object per line and event; `BuildEvent.json` documents the keys.
///
/// The stream ends with a `report` (`BuildReport.event`) or a `failure` (`Failure.event`).
package struct JSONProgress: ProgressRenderer {
    package private(set) var state = ProgressState()

    package init() {}

    package mutating func feed(_ event: BuildEvent, at seconds: Double) -> String {
        state.apply(event, at: seconds)
        return event.json(at: seconds).line + "\n"
    }
}
