import Sandbox

extension ProgressState.Finished {
    /// `✓ install     42.0 s  31 tasks: 12 changed, 19 ok`: what stays of a stage.
    func line(_ style: Style) -> String {
        let time = outcome == .cached ? "cached" : Units.time(seconds)
        var line = "\(style.mark(outcome.verdict)) \(stage.rawValue.padded(to: Stage.nameWidth))"
        line += "  " + style.paint(time.padded(to: 10, .right), outcome == .cached ? .dim : nil)
        let number = tasks.all == 1 ? "1 task" : "\(tasks.all) tasks"
        return tasks.summary.isEmpty ? line : line + "  " + style.paint("\(number): \(tasks.summary)", .dim)
    }
}

extension StageOutcome {
    var verdict: Verdict { self == .failed ? .bad : .good }
}

extension Stage {
    /// Columns of the longest name.
    static let nameWidth = allCases.map { $0.rawValue.displayWidth }.max() ?? 0
}
