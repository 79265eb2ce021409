import Subprocess

/// A dialogue with a program that prompts, such as a login that forces a new password.
package actor Conversation {
    private var iterator: SubprocessOutputSequence.Iterator
    private let input: StandardInputWriter
    private var unread = ""
    /// All that the program has said so far, for the error message.
    package private(set) var transcript = ""

    init(output: SubprocessOutputSequence, input: StandardInputWriter) {
        iterator = output.makeAsyncIterator()
        self.input = input
    }

    /// Reads until one of the texts appears, compared without case.
    /// - Returns: the text that appeared first; `nil` where the program ended before.
    package func expect(_ texts: String...) async throws -> String? {
        while true {
            let heard = unread.lowercased()
            let hits = texts.compactMap { text in heard.firstRange(of: text.lowercased()).map { (text, $0) } }
            if let (text, range) = hits.min(by: { $0.1.lowerBound < $1.1.lowerBound }) {
                let position = heard.distance(from: heard.startIndex, to: range.upperBound)
                unread = String(unread.dropFirst(position))
                return text
            }
            guard let more = try await listen() else { return nil }
            unread += more
            transcript += more
        }
    }

    package func send(_ line: String) async throws {
        _ = try await input.write(line + "\n")
    }

    /// Closes the program's input and reads the rest of what it says.
    /// - Returns: what was not read yet.
    @discardableResult
    package func finish() async throws -> String {
        try await input.finish()
        while let more = try await listen() {
            unread += more
            transcript += more
        }
        return unread
    }

    func hangUp() async {
        try? await input.finish()
    }

    private func listen() async throws -> String? {
        var iterator = iterator
        let chunk = try await iterator.next(isolation: self)
        self.iterator = iterator
        guard let buffer = chunk else { return nil }
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
