import FoundationEssentials
import Glibc

/// A program that goes on by itself, known by its pid and start time, so that a reused pid is never mistaken for it.
package struct BackgroundProcess: Sendable, Hashable, Codable {
    package let pid: Int32
    /// Clock ticks since boot, field 22 of `/proc/PID/stat`.
    package let startTime: UInt64

    /// - Returns: `nil` where no such process lives.
    package init?(pid: Int32) {
        guard let startTime = Self.startTime(of: pid) else { return nil }
        self.pid = pid
        self.startTime = startTime
    }

    package var isAlive: Bool { Self.startTime(of: pid) == startTime }

    /// Sends a signal, unless the process is gone.
    package func signal(_ number: Int32) {
        if isAlive { kill(pid, number) }
    }

    /// Waits until the process has ended.
    /// - Returns: false where it still lives after `limit`.
    package func ended(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while isAlive {
            if ContinuousClock.now >= deadline { return false }
            // Not Task.sleep: clean-up must also wait where the task is cancelled.
            usleep(20_000)
            await Task.yield()
        }
        return true
    }

    /// Ends the process: SIGTERM, and SIGKILL where it does not go within `grace`.
    package func stop(grace: Duration = .seconds(5)) async {
        signal(SIGTERM)
        guard await !ended(within: grace) else { return }
        signal(SIGKILL)
        _ = await ended(within: .seconds(5))
    }

    /// The living processes whose command line satisfies a condition.
    package static func all(
        where matches: ([String]) -> Bool, in proc: String = "/proc"
    ) -> [BackgroundProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: proc)) ?? []
        return names.compactMap(Int32.init).filter { pid in
            guard let data = FileManager.default.contents(atPath: "\(proc)/\(pid)/cmdline"), !data.isEmpty else {
                return false
            }
            return matches(data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        }.compactMap(BackgroundProcess.init(pid:))
    }

    /// Zombies count as gone: nothing of them is left but an exit status.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let status = ProcessStatus(pid: pid), !status.isDead else { return nil }
        return status.startTime
    }
}
