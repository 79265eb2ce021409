import Sandbox

/// How many Ansible tasks of a stage ended how.
struct TaskCounts: Sendable, Equatable {
    private(set) var all = 0
    private(set) var ok = 0
    private(set) var changed = 0
    private(set) var skipped = 0
    private(set) var ignored = 0
    private(set) var failed = 0

    mutating func add(_ status: TaskResult.Status) {
        all += 1
        switch status {
        case .ok: ok += 1
        case .changed: changed += 1
        case .skipped: skipped += 1
        case .ignored: ignored += 1
        case .failed, .unreachable: failed += 1
        }
    }

    /// `12 changed, 18 ok, 1 failed`: what is 0 is left out; skipped tasks are nobody's interest.
    var summary: String {
        [(changed, "changed"), (ok, "ok"), (ignored, "ignored"), (failed, "failed")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension TaskResult {
    var hasFailed: Bool { status == .failed || status == .unreachable }

    /// `role : task`, as Ansible itself writes it.
    var title: String {
        guard let role, !name.hasPrefix("\(role) : ") else { return name }
        return "\(role) : \(name)"
    }
}
