import AWSCore
import Foundation
import Testing

/// Feeds broken responses to the decoders: each yields a value or an expected error, and never a crash.
@Suite("Broken responses")
struct FuzzTests {
    static let rounds = 300

    @Test("a mutated response is a value or an expected error", arguments: Catalogue.all)
    func mutations(_ subject: OperationSample) async throws {
        let example = try await subject.example(items: 1)
        var chance = Seeded(state: UInt64(subject.name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }))
        for round in 0..<(example.body.isEmpty ? 1 : Self.rounds) {
            var broken = example
            for _ in 0...(round % 3) {
                broken.body = Mutation.allCases[round % Mutation.allCases.count].apply(to: broken.body, &chance)
            }
            expectCalm(subject, broken, "round \(round)")
        }
    }

    @Test(
        "a malicious response is an error, or at most an empty value", .timeLimit(.minutes(5)), arguments: Catalogue.all
    )
    func hostile(_ subject: OperationSample) async throws {
        let example = try await subject.example(items: 1)
        for (index, body) in MaliciousResponse.bodies(insteadOf: example.body).enumerated() {
            var answer = example
            answer.body = body
            expectCalm(subject, answer, "body \(index)")
        }
    }

    @Test("a truncated response is an error", arguments: Catalogue.all)
    func truncation(_ subject: OperationSample) async throws {
        let example = try await subject.example(items: 1)
        // Binary bodies are verified by the transport and by checksums.
        guard example.header("content-type") != nil || example.body.first == UInt8(ascii: "<") else { return }
        for length in stride(from: 0, to: example.body.count, by: max(1, example.body.count / 40)) {
            var answer = example
            answer.body = Array(example.body[..<length])
            #expect(throws: UnexpectedResponse.self, "\(length) of \(example.body.count) bytes") {
                try subject.decode(answer)
            }
        }
    }

    @Test("mutated headers are an error or a value", arguments: Catalogue.all)
    func headers(_ subject: OperationSample) async throws {
        let example = try await subject.example(items: 1)
        for index in example.headers.indices {
            for value in ["", "\"\"", "-1", "99999999999999999999", "bytes 9-3/2", "bytes 0-0/0", "é", "bytes=0-1"] {
                var answer = example
                answer.headers[index].value = value
                expectCalm(subject, answer, "\(example.headers[index].name): \(value)")
            }
            var answer = example
            answer.headers.remove(at: index)
            expectCalm(subject, answer, "without \(example.headers[index].name)")
        }
    }

    private func expectCalm(_ subject: OperationSample, _ answer: HTTPResponse, _ what: String) {
        do { _ = try subject.decode(answer) } catch is UnexpectedResponse {} catch is ServiceError {} catch {
            Issue.record("\(what): \(error)")
        }
        _ = subject.sample.decodeError(answer)
    }
}
