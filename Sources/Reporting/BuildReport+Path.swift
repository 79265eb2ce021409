import Sandbox

/// What a build waited for, where things went on side by side in it.
extension BuildReport {
    /// `setup 3 min`, `AMI 10 min`, …: what the end of the build waited for, in order; empty where stages say it all.
    var criticalPath: [String] { hasParallelWork ? described(activities.criticalPath) : [] }

    /// What went on beside that.
    var besideCriticalPath: [String] { hasParallelWork ? described(activities.besideCriticalPath) : [] }

    /// Both as lines of a terminal.
    func pathLines(_ style: Style) -> [String] {
        wrapped("critical path: ", criticalPath, " → ", style) + wrapped("beside it: ", besideCriticalPath, ", ", style)
    }

    private var hasParallelWork: Bool {
        activities.contains { activity in !stages.contains { $0.stage.rawValue == activity.name } }
    }

    private func described(_ some: [Activity]) -> [String] {
        some.map { "\($0.name) \(Units.time($0.seconds))" }
    }

    private func wrapped(_ title: String, _ words: [String], _ separator: String, _ style: Style) -> [String] {
        guard !words.isEmpty else { return [] }
        let separator = style.unicode || separator == ", " ? separator : " > "
        var lines = ["  " + title]
        for (index, word) in words.enumerated() {
            let piece = word + (index + 1 < words.count ? separator : "")
            if (lines[lines.count - 1] + piece).displayWidth > style.width { lines.append("    ") }
            lines[lines.count - 1] += piece
        }
        return lines.map(\.trimmedEnd)
    }
}
