import Sandbox

/// Progress on a terminal: lines that stay, and below them one live line that is replaced in place.
package struct TerminalProgress: ProgressRenderer {
    /// May change while the build runs, when the window does.
    package var style: Style
    package private(set) var state = ProgressState()
    private let isVerbose: Bool
    /// The live line as it stands on the screen; empty where there is none.
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

    /// Carriage return and `EL 2` (ECMA-48, 8.3.41), which every terminal but `TERM=dumb` knows.
    private static let eraseLine = "\r\u{1B}[2K"

    private mutating func redraw(above lines: [String], at seconds: Double) -> String {
        let live = state.render(style, now: seconds) ?? ""
        guard !lines.isEmpty || live != shown else { return "" }
        defer { shown = live }
        return (shown.isEmpty ? "" : Self.eraseLine) + lines.map { $0 + "\n" }.joined() + live
    }

    /// The lines that an event leaves for good.
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
        case .notice(let message):
            Message.lines("note:", .bold, message, style)
        case .warning(let message):
            Message.lines("warning:", .yellow, message, style)
        default:
            []
        }
    }
}
