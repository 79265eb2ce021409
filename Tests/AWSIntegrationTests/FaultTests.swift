import AWSCore
import AWSTestSupport
import Foundation
import Testing

/// Every fault on every mutating operation: nothing is done twice, nothing is reported as done that was not.
@Suite("Faults on mutating operations", .serialized)
struct FaultTests {
    /// The call is not done by then, and AWS or the network says so in a way that can be trusted.
    static let refused = ["throttle", "expired", "skew"]
    /// The call is not done, but it looks as if it could be.
    static let lost = ["500", "503", "reset", "truncate", "html"]
    /// The call is done, but the answer does not say so.
    static let applied = [
        "applied-then-reset", "applied-then-truncate", "applied-then-500", "applied-then-html",
    ]

    @Test("without a fault: done once", arguments: MutatingOperation.all)
    func undisturbed(_ operation: MutatingOperation) async throws {
        try await EmulatedAccount.with { _, client in
            let trial = try await operation.prepare(client, Self.name())
            try await trial.act()
            #expect(try await trial.count() == 1)
        }
    }

    @Test("a passing fault: done exactly once", arguments: MutatingOperation.all)
    func passingFault(_ deed: MutatingOperation) async throws {
        for kind in Self.refused.dropLast() + Self.lost + Self.applied {
            try await EmulatedAccount.with { account, client in
                let trial = try await deed.prepare(client, Self.name())
                #expect(try await trial.count() == 0, "\(kind): before")
                try await account.order(kind, deed.service, deed.action)
                await #expect(throws: Never.self, "\(kind)") { try await trial.act() }
                #expect(try await trial.count() == 1, "\(kind): done")
                #expect(try await account.calls().contains { $0.fault == kind }, "\(kind) did not hit")
            }
        }
    }

    @Test("a lasting fault: an error, and nothing done", arguments: MutatingOperation.all)
    func lastingFault(_ deed: MutatingOperation) async throws {
        for kind in Self.refused + Self.lost + ["denied"] {
            try await EmulatedAccount.with(backoff: .quick.with(attempts: 3)) { account, client in
                let trial = try await deed.prepare(client, Self.name())
                try await account.order(kind, deed.service, deed.action, ["times": 99])
                let error = await #expect(throws: AWSError.self, "\(kind)") { try await trial.act() }
                #expect(try await trial.count() == 0, "\(kind)")
                #expect(error?.operation == deed.action, "\(kind)")
                #expect(
                    error.map { Self.kinds[kind]!.contains($0.kind) } == true, "\(kind): \(String(describing: error))")
            }
        }
    }

    @Test(
        "a slow answer is waited for, a silent server is not",
        arguments: MutatingOperation.all.prefix(2) + MutatingOperation.uploads.prefix(1))
    func slowOrSilentServer(_ deed: MutatingOperation) async throws {
        try await EmulatedAccount.with(silence: .seconds(20)) { account, client in
            let trial = try await deed.prepare(client, Self.name())
            try await account.order("slow", deed.service, deed.action, ["seconds": 0.5])
            try await trial.act()
            #expect(try await trial.count() == 1)
            #expect(try await account.calls().filter { $0.action == deed.action }.count == 1)
        }
        try await EmulatedAccount.with(silence: .seconds(5)) { account, client in
            let trial = try await deed.prepare(client, Self.name())
            try await account.order("hang", deed.service, deed.action)
            try await trial.act()
            #expect(try await trial.count() == 1)
        }
    }

    static func name() -> String { "T" + UUID().uuidString.replacing("-", with: "").prefix(20) }

    static let kinds: [String: [AWSError.Kind]] = [
        "throttle": [.temporary], "expired": [.credentials], "skew": [.credentials], "denied": [.denied],
        "500": [.temporary], "503": [.temporary], "reset": [.unreachable], "truncate": [.unreachable],
        "html": [.unexpectedAnswer],
    ]
}

extension Backoff {
    func with(attempts: Int) -> Backoff {
        var backoff = self
        backoff.attempts = attempts
        return backoff
    }
}
