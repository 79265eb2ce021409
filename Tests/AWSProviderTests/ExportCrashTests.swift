import AWSCore
import AWSProvider
import AWSServices
import Foundation
import Sandbox
import Synchronization
import Testing

/// An export that ends at any of its calls, by a kill or by Ctrl-C.
extension ImageAndExportTests {
    @Suite("vm-export that is interrupted")
    struct ExportCrashTests {
        private static let plans = [RenamePlan(), RenamePlan(singleCopyLimit: 1 << 10, partSize: 5 << 20)]

        @Test(
            "killed at any call, before or after it took effect: another run ends it, with each thing once",
            arguments: [false, true], [0, 1])
        func killed(after: Bool, _ plan: Int) async throws {
            try await ExportFixture.with { first in
                var lab = first
                var call = 1
                while true {
                    let line = InterceptedTransport.dying(lab.transport, at: call, after: after)
                    // Nothing of what the first run has in memory is used by the second, and its undo does not run.
                    _ = try? await lab.export(through: line, plan: Self.plans[plan])
                    let wasWhole = !line.isDead
                    try await lab.export(plan: Self.plans[plan])
                    #expect(try await lab.keys == ExportTests.ready, "killed at call \(call)")
                    #expect(try await lab.tasks.map(\.status) == ["completed", "completed"], "killed at call \(call)")
                    #expect(try await lab.uploads.isEmpty, "killed at call \(call)")
                    if wasWhole { break }
                    call += 1
                    lab = try await lab.again()
                }
                #expect(call > 20)
            }
        }

        @Test("cancelled at any call, the undo leaves whole formats and nothing else", arguments: [0, 1])
        func cancelled(_ plan: Int) async throws {
            try await ExportFixture.with { first in
                var lab = first
                var call = 1
                while true {
                    let undo = Undo()
                    let current = lab
                    let isOver = try await cancelling(lab.transport, at: call) {
                        try await current.export(through: $0, plan: Self.plans[plan], in: Scope(undo))
                    }
                    #expect(await undo.unwind() == [], "cancelled at call \(call)")
                    let left = Set(try await lab.keys).subtracting(ExportTests.ready)
                    #expect(left.isEmpty, "cancelled at call \(call)")
                    #expect(try await lab.uploads.isEmpty, "cancelled at call \(call)")
                    #expect(
                        try await lab.tasks.allSatisfy { ["completed", "deleted"].contains($0.status) },
                        "cancelled at call \(call)")
                    if isOver { break }
                    call += 1
                    lab = try await lab.again()
                }
                #expect(call > 20)
            }
        }
    }
}
