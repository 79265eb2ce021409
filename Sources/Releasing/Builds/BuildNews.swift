import AWSServices
import Reporting

/// What happens in a build that is followed.
package enum BuildNews: Sendable, Equatable {
    case started(id: String)
    case begins(phase: String)
    case ends(phase: String, status: String, seconds: Int?)
    case line(String)
    case trouble(String)

    /// - Parameter label: tells builds apart that run side by side.
    package func text(_ label: String?, _ style: Style) -> String {
        let mark = label.map { style.paint("\($0) | ", .dim) } ?? ""
        switch self {
        case .started(let id): return "\(mark)started \(id)\n"
        case .begins(let phase): return "\(mark)\(style.paint(phase, .bold))\n"
        case .ends(let phase, let status, let seconds):
            let ink: Ink = status == "SUCCEEDED" ? .green : .red
            let time = seconds.map { " after \(Units.time(Double($0)))" } ?? ""
            return "\(mark)\(phase) \(style.paint(status, ink))\(time)\n"
        case .line(let line): return "\(mark)  \(line.printableLine)\n"
        case .trouble(let text): return mark + Message.warning(text, style)
        }
    }
}

/// Which phases have been told of.
struct PhaseTeller: Sendable {
    private var begun: Set<String> = []
    private var ended: Set<String> = []

    mutating func news(of build: CodeBuild.Build) -> [BuildNews] {
        var news: [BuildNews] = []
        for phase in build.phases ?? [] {
            guard let name = phase.phaseType else { continue }
            if let status = phase.phaseStatus {
                guard ended.insert(name).inserted else { continue }
                begun.insert(name)
                news.append(.ends(phase: name, status: status, seconds: phase.durationInSeconds))
            } else if begun.insert(name).inserted, name != "COMPLETED" {
                news.append(.begins(phase: name))
            }
        }
        return news
    }
}
