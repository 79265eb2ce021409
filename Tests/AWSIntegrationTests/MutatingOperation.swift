import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Testing

/// A mutating operation in a form in which every fault can be tried on it: what must be there before, the call, and how
/// often it shows to have been done.
struct MutatingOperation: Sendable, CustomTestStringConvertible {
    var service: String
    var action: String
    /// Prepares and gives the call and its count; `name` is new for each trial.
    var prepare: @Sendable (_ client: AWSClient, _ name: String) async throws -> Trial

    var testDescription: String { "\(service) \(action)" }

    struct Trial: Sendable {
        var act: @Sendable () async throws -> Void
        /// How many there are of what the call makes; for one that removes, how many are gone of one.
        var count: @Sendable () async throws -> Int
    }

    init(
        _ service: String, _ action: String,
        prepare: @escaping @Sendable (AWSClient, String) async throws -> Trial
    ) {
        self.service = service
        self.action = action
        self.prepare = prepare
    }

    static let all =
        cloudFormation + images + snapshots + keyPairs + machines + exports + blocks + objects + uploads + builds
}

extension AWSClient {
    func all<O: PagedOperation>(_ operation: O) async throws -> [O.Item] {
        var found: [O.Item] = []
        for try await item in items(of: operation) { found.append(item) }
        return found
    }

    /// Whether a call fails because the thing is not there.
    func isMissing<O: AWSCore.Operation>(_ operation: O) async throws -> Bool {
        do { _ = try await call(operation) } catch let error as AWSError where error.kind == .refused { return true }
        return false
    }
}
