import Sandbox

/// Progress on a terminal: permanent lines, and below them one live line that is updated in place.
package struct TerminalProgress: ProgressRenderer {
    /// May change during the build, when the window is resized.
    package var style: Style
    package private(set) var state = ProgressState()
    private let isVerbose: Bool
    /// The live line on the screen; empty if there is none.
    private var shown = ""

    package init(_ style: Style, isVerbose: Bool = false) {
        self.style = style
        self.isVerbose = isVerbose
    }

    package mutating func feed(_ event: BuildEvent, at seconds: Double) -> String {
        state.apply(event, at: seconds)
        return redraw(above: lines(for: event), at: seconds)
    }

    package mutating func tick(at seconds: Double) -> String {
        redraw(above: [], at: seconds)
    }

    package mutating func clear() -> String {
        defer { shown = "" }
        return shown.isEmpty ? "" : Self.eraseLine
    }

    /// Carriage return and `EL 2` (ECMA-48, 8.3.41), which every terminal except `TERM=dumb` supports.
    private static let eraseLine = "\r\u{1B}[2K"

    private mutating func redraw(above lines: [String], at seconds: Double) -> String {
        let live = state.render(style, now: seconds) ?? ""
        guard !lines.isEmpty || live != shown else { return "" }
        defer { shown = live }
        return (shown.isEmpty ? "" : Self.eraseLine) + lines.map { $0 + "\n" }.joined() + live
    }

    /// The permanent lines of an event.
    private func lines(for event: BuildEvent) -> [String] {
        switch event {
        case .buildStarted(let assetID, let provider):
            ["building sandbox \(style.paint(assetID.rawValue, .bold)) (\(provider))"]
        case .stageFinished:
            state.finished.last.map { [$0.line(style)] } ?? []
        case .task(let task) where task.hasFailed:
            ["\(style.mark(.bad)) \(task.title.printableLine)  \(task.status.rawValue)"]
        case .output(_, let line) where isVerbose:
            line.printableLines.map { style.paint("  \($0)", .dim) }
        case .passwordSet(let user, let password):
            Message.lines("note:", .bold, Message.passwordSet(user, password), style)
        case .notice(let message):
            Message.lines("note:", .bold, message, style)
        case .warning(let message):
            Message.lines("warning:", .yellow, message, style)
        default:
            []
        }
    }
}

extension ProgressState {
    /// The live line for the running stage, narrower than the terminal so that it never wraps; `nil` between stages.
    package func render(_ style: Style, now: Double) -> String? {
        guard let running else { return nil }
        let elapsed = now - running.since
        var segments = [Segment(running.lead(style, now: now))]
        segments += running.what(style)
        if !running.tasks.summary.isEmpty { segments.append(Segment(running.tasks.summary, dropped: 3, ink: .dim)) }
        segments.append(Segment(Units.clock(elapsed), dropped: 2, ink: .dim))
        return Segment.fit(segments.filter { !$0.text.isEmpty }, style.liveWidth, style)
    }
}

extension ProgressState.Running {
    fileprivate func lead(_ style: Style, now: Double) -> String {
        let frames = style.unicode ? ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] : ["|", "/", "-", "\\"]
        let frame = Units.whole((max(0, now) * 10).rounded(.down)) % frames.count
        return "\(frames[frame]) \(stage.rawValue.padded(to: Stage.nameWidth))"
    }

    fileprivate func what(_ style: Style) -> [Segment] {
        guard let progress = combined else { return [] }
        let name = Segment(progress.activity.printableLine, isFlexible: true)
        let bar = progress.fraction.map { Segment(ProgressBar.framed($0, width: 20, style), dropped: 1) }
        return switch progress.unit {
        case .tasks: [Segment(progress.position), name]
        case .bytes, .percent: [name, Segment(progress.position)] + (bar.map { [$0] } ?? [])
        case .none: [name, Segment(progress.position)]
        }
    }

    /// All parallel transfers as one: their names joined and their bytes added up.
    private var combined: Progress? {
        guard activities.count > 1 else { return activities.first }
        return Progress(
            activities.map(\.activity).joined(separator: ", "),
            completed: activities.reduce(0) { $0 + $1.completed },
            total: activities.reduce(0) { $0 + ($1.total ?? 0) }, unit: .bytes)
    }
}

extension Progress {
    /// `task 12 of 31`, `512 of 1300 MB`, `45 %`.
    var position: String {
        let number = Units.whole(completed)
        switch unit {
        case .bytes: return Units.transferred(completed, of: total)
        case .percent: return Units.percent(fraction ?? 0)
        case .tasks: return "task \(number)" + (total.map { " of \(Units.whole($0))" } ?? "")
        case .none: return total.map { "\(number) of \(Units.whole($0))" } ?? ""
        }
    }
}

/// A segment of the live line.
private struct Segment {
    var text: String
    /// Whether the segment may be shortened in the middle.
    var isFlexible: Bool
    /// Order in which segments are dropped when the line is too long, highest first; `nil` is never dropped.
    var dropped: Int?
    var ink: TextStyle?

    /// Minimum columns at which a task's name is still recognizable.
    private static let leastActivity = 16

    init(_ text: String, isFlexible: Bool = false, dropped: Int? = nil, ink: TextStyle? = nil) {
        self.text = text
        self.isFlexible = isFlexible
        self.dropped = dropped
        self.ink = ink
    }

    /// Joins the segments into one line of at most `width` columns. The less important segments are dropped first, then
    /// the activity is shortened, and finally the line is clipped.
    static func fit(_ segments: [Segment], _ width: Int, _ style: Style) -> String {
        var segments = segments
        while let last = segments.indices.filter({ segments[$0].dropped != nil }).max(by: {
            (segments[$0].dropped ?? 0) < (segments[$1].dropped ?? 0)
        }), narrowest(segments) > width {
            segments.remove(at: last)
        }
        let total = segments.map(\.text).joined(separator: "  ").displayWidth
        if total > width, let flexible = segments.firstIndex(where: \.isFlexible) {
            let room = segments[flexible].text.displayWidth - (total - width)
            segments[flexible].text = segments[flexible].text.ellipsized(to: max(0, room), style)
        }
        let plain = segments.map(\.text).joined(separator: "  ")
        guard plain.displayWidth <= width else { return plain.clipped(to: width) }
        return segments.map { style.paint($0.text, $0.ink) }.joined(separator: "  ")
    }

    private static func narrowest(_ segments: [Segment]) -> Int {
        segments.reduce(2 * (segments.count - 1)) { sum, segment in
            sum + (segment.isFlexible ? min(leastActivity, segment.text.displayWidth) : segment.text.displayWidth)
        }
    }
}
