import Sandbox

/// Turns the events of a build into what is to be written, control characters included, so that a writer only writes.
///
/// One writer owns it: events may come from any task, and two that render at once would tear each other's lines.
package protocol ProgressRenderer: Sendable {
    /// What the event makes of the screen; `seconds` is when it came, on any clock that does not go back.
    mutating func feed(_ event: BuildEvent, at seconds: Double) -> String

    /// What the passing of time makes of it; to be called a few times a second.
    mutating func tick(at seconds: Double) -> String

    /// Takes away what should not stay; to be called before anything else is printed, and again at the end.
    mutating func clear() -> String

    /// The events so far, for the task that an error message is about.
    var state: ProgressState { get }
}

extension ProgressRenderer {
    package mutating func tick(at seconds: Double) -> String { "" }

    package mutating func clear() -> String { "" }
}
