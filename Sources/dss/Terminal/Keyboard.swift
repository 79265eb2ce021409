import Glibc
import Sandbox
import Workbench

/// Standard input, and the person who types there if it is a terminal.
struct Keyboard: Sendable {
    /// Whether there is anybody to ask.
    let isTerminal: Bool
    /// Reads the answer to a question. Waiting can be cancelled, so that Ctrl-C still cleans up what the command has
    /// created.
    let answer: @Sendable (_ ask: () -> Void) async throws -> String
    /// Prompts for a password, which is not echoed; `nil` at the end of input.
    let password: @Sendable (_ prompt: String) -> String?
    /// Reads the first line of a secret, of which at most `SecretLine.limit` bytes and one more.
    let firstLine: @Sendable () throws -> [UInt8]
}

extension Keyboard {
    /// Standard input of the process.
    static let standardInput = Keyboard(
        isTerminal: isatty(STDIN_FILENO) == 1,
        answer: { ask in
            // Keys pressed before the question do not count as an answer.
            tcflush(STDIN_FILENO, TCIFLUSH)
            ask()
            let answer = try await typedLine()
            // If Ctrl-C is followed by Enter, Ctrl-C wins; the signal takes a moment to arrive.
            try await Task.sleep(for: .milliseconds(200))
            return answer
        },
        password: { prompt in getpass(prompt).map { String(cString: $0) } },
        firstLine: { try SecretLine.standardInput() })

    private static func typedLine() async throws -> String {
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

extension Live {
    /// Asks a yes-or-no question.
    /// - Returns: Whether the answer is yes; anything else counts as no.
    func isAnsweredYes(_ question: String) async throws -> Bool {
        let answer = try await keyboard.answer { standardError.write("\(question) [y/N] ") }
        return ["y", "yes"].contains(answer.lowercased())
    }

    /// Asks for permission to change something.
    /// - Parameter outcome: What a refusal comes to, such as "nothing was removed".
    /// - Throws: `Failure` with code `.failed` if the answer is not yes, because the command was right and did not do
    ///   its work; with code `.usage` if there is nobody to ask.
    func confirm(_ question: String, orElse outcome: String) async throws {
        guard keyboard.isTerminal else {
            throw Failure(
                .usage, "\(outcome): there is no terminal to ask for confirmation",
                advice: "add --yes to skip confirmation")
        }
        guard try await isAnsweredYes(question) else { throw Failure(.failed, outcome) }
    }
}
