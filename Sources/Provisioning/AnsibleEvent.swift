import FoundationEssentials
import Sandbox

/// A line of the callback plugin `dss_events`.
struct AnsibleEvent: Decodable, Equatable {
    enum Kind: String, Decodable {
        case taskStarted = "task-started"
        case taskFinished = "task-finished"
        case stats
    }

    var event: Kind
    var index: Int?
    var count: Int?
    var role: String?
    var name: String?
    var status: TaskResult.Status?
    var seconds: Double?
    var module: String?
    var message: String?
    var changed: Int?

    /// - Returns: `nil` for a line that is Ansible's own.
    init?(line: String) {
        guard line.hasPrefix("\u{1e}"),
            let event = try? JSONDecoder().decode(Self.self, from: Data(line.utf8.dropFirst()))
        else { return nil }
        self = event
    }

    /// The finished task, where the line tells of one.
    var task: TaskResult? {
        guard event == .taskFinished, let index, let name, let status else { return nil }
        return TaskResult(
            index: index, count: count, role: role, name: name, status: status, seconds: seconds ?? 0,
            module: module, message: message)
    }

    /// What runs now, where the line tells of a start.
    var progress: Progress? {
        guard event == .taskStarted, let index, let name else { return nil }
        let title = [role, Self.withoutRole(name, role)].compactMap { $0 }.joined(separator: " : ")
        return Progress(title, completed: Double(index), total: count.map(Double.init), unit: .tasks)
    }

    private static func withoutRole(_ name: String, _ role: String?) -> String {
        guard let role, name.hasPrefix("\(role) : ") else { return name }
        return String(name.dropFirst(role.count + 3))
    }
}
