import Glibc
import Sandbox

/// A question on the terminal that Ctrl-C ends as it ends everything else: the waiting can be cancelled, so that what
/// was begun before is cleaned up.
enum Question {
    static var canBeAsked: Bool { isatty(STDIN_FILENO) == 1 }

    /// - Returns: whether the answer is yes; anything else is no.
    static func isAnsweredYes(_ question: String) async throws -> Bool {
        // Keys that were pressed before are no answer.
        tcflush(STDIN_FILENO, TCIFLUSH)
        Terminal.standardError.write("\(question) [y/N] ")
        let answer = try await line()
        // Ctrl-C and Enter right after it is Ctrl-C, which takes a moment to arrive.
        try await Task.sleep(for: .milliseconds(200))
        return ["y", "yes"].contains(answer.lowercased())
    }

    private static func line() async throws -> String {
        var text: [UInt8] = []
        while true {
            try Task.checkCancellation()
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, 0) > 0 else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1, byte != UInt8(ascii: "\n") else {
                return String(decoding: text, as: UTF8.self)
            }
            if byte > 32 { text.append(byte) }
        }
    }
}
