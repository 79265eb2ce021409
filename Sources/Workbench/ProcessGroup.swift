import FoundationEssentials
import Glibc

/// A program and the children it started, as far as they did not make groups of their own.
struct ProcessGroup {
    private let id: Int32

    init(_ leader: Int32) {
        id = leader
    }

    /// Ends what outlived the leader: it was sent SIGTERM together with it and gets SIGKILL after `grace`.
    ///
    /// Only to be called while the leader is not reaped yet, so that the number cannot belong to others.
    func end(grace: Duration = .seconds(2)) async {
        let deadline = ContinuousClock.now + grace
        // In a task of its own: clean-up must also wait where the task is cancelled.
        await Task {
            while hasLivingMembers, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        }.value
        if hasLivingMembers { kill(-id, SIGKILL) }
    }

    /// Zombies do not count.
    private var hasLivingMembers: Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.contains { pid in
            guard let status = ProcessStatus(pid: pid) else { return false }
            return status.group == id && !status.isDead
        }
    }
}

/// What `/proc/PID/stat` says; see proc(5) for the fields.
struct ProcessStatus {
    let isDead: Bool
    let group: Int32
    /// Clock ticks since boot.
    let startTime: UInt64

    /// - Returns: `nil` where no such process is.
    init?(pid: Int32, in proc: String = "/proc") {
        guard let text = try? readText("\(proc)/\(pid)/stat") else { return nil }
        // The second field, the program's name in parentheses, may contain blanks and parentheses itself.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let group = Int32(fields[2]), let startTime = UInt64(fields[19]) else { return nil }
        isDead = fields[0] == "Z" || fields[0] == "X"
        self.group = group
        self.startTime = startTime
    }
}
