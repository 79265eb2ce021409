import FoundationEssentials
import Glibc
import Subprocess

/// A detached process, identified by its pid and start time, so that a reused pid is never mistaken for it.
package struct BackgroundProcess: Sendable, Hashable, Codable {
    package let pid: Int32
    /// Clock ticks since boot, field 22 of `/proc/PID/stat`.
    package let startTime: UInt64

    /// - Returns: `nil` if no such process is running.
    package init?(pid: Int32) {
        guard let startTime = Self.startTime(of: pid) else { return nil }
        self.pid = pid
        self.startTime = startTime
    }

    package var isAlive: Bool { Self.startTime(of: pid) == startTime }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        if isAlive { kill(pid, number) }
    }

    /// Waits until the process has ended.
    /// - Returns: false if it is still running after `limit`.
    package func ended(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while isAlive {
            if ContinuousClock.now >= deadline { return false }
            // Not Task.sleep: clean-up must wait even if the task is cancelled.
            usleep(20_000)
            await Task.yield()
        }
        return true
    }

    /// Ends the process with SIGTERM, and with SIGKILL if it is still running after `grace`.
    package func stop(grace: Duration = .seconds(5)) async {
        signal(SIGTERM)
        guard await !ended(within: grace) else { return }
        signal(SIGKILL)
        _ = await ended(within: .seconds(5))
    }

    /// The running processes whose command line satisfies a condition.
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

    /// Zombies count as ended: only their exit status is left.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let status = ProcessStatus(pid: pid), !status.isDead else { return nil }
        return status.startTime
    }
}

/// A session with an interactive program, such as a login that forces a password change.
package actor PromptSession {
    private var iterator: SubprocessOutputSequence.Iterator
    private let input: StandardInputWriter
    private var unread: [UInt8] = []
    private var heard: [UInt8] = []

    /// All output of the program so far, for error messages.
    package var transcript: String { String(decoding: heard, as: UTF8.self) }

    init(output: SubprocessOutputSequence, input: StandardInputWriter) {
        iterator = output.makeAsyncIterator()
        self.input = input
    }

    /// Reads until one of the texts appears; ASCII case is ignored.
    /// - Returns: the text that appeared first; `nil` if the program ended before.
    package func expect(_ texts: String...) async throws -> String? {
        while true {
            if let (text, range) = firstHit(texts) {
                unread.removeFirst(range.upperBound)
                return text
            }
            guard try await listen() else { return nil }
        }
    }

    /// Sends one line; it is discarded if the program has ended.
    package func send(_ line: String) async throws {
        _ = try? await input.write(line + "\n")
        try Task.checkCancellation()
    }

    /// Closes the program's input and reads the remaining output.
    /// - Returns: the unread output.
    @discardableResult
    package func finish() async throws -> String {
        await hangUp()
        while try await listen() {}
        defer { unread = [] }
        return String(decoding: unread, as: UTF8.self)
    }

    func hangUp() async {
        try? await input.finish()
    }

    private func firstHit(_ texts: [String]) -> (String, Range<Int>)? {
        let lowered = unread.map(\.asciiLowered)
        return texts.compactMap { text in
            lowered.firstRange(of: text.utf8.map(\.asciiLowered)).map { (text, $0) }
        }.min { $0.1.lowerBound < $1.1.lowerBound }
    }

    /// - Returns: false at the end of the output.
    /// - Throws: `CancellationError` if the task was cancelled; the sequence itself would just end.
    private func listen() async throws -> Bool {
        var iterator = iterator
        let chunk = try await iterator.next(isolation: self)
        self.iterator = iterator
        try Task.checkCancellation()
        guard let chunk else { return false }
        let bytes = chunk.withUnsafeBytes { Array($0) }
        unread += bytes
        heard += bytes
        return true
    }
}

extension UInt8 {
    fileprivate var asciiLowered: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
