import AWSCore
import Sandbox

/// One thing that is looked at before anything is made.
struct PreflightCheck: Sendable {
    /// Continues a sentence: `the instance type`.
    var subject: String
    /// The build itself needs the permissions that the check needs; otherwise it can do without the check.
    var isNeeded: Bool
    var find: @Sendable () async throws -> [PreflightFinding]

    init(
        _ subject: String, isNeeded: Bool = true, _ find: @escaping @Sendable () async throws -> [PreflightFinding]
    ) {
        self.subject = subject
        self.isNeeded = isNeeded
        self.find = find
    }

    /// All at the same time.
    /// - Returns: what they find, in their order.
    static func run(_ checks: [PreflightCheck]) async throws -> [PreflightFinding] {
        try await withThrowingTaskGroup(of: (Int, [PreflightFinding]).self) { group in
            for (number, check) in checks.enumerated() {
                group.addTask { (number, try await check.run()) }
            }
            var found: [Int: [PreflightFinding]] = [:]
            for try await (number, findings) in group { found[number] = findings }
            return checks.indices.flatMap { found[$0] ?? [] }
        }
    }

    private func run() async throws -> [PreflightFinding] {
        do {
            return try await find()
        } catch let failure as Failure {
            return [PreflightFinding(failure)]
        } catch let error as AWSError where error.kind == .denied {
            guard isNeeded else { return [.notice("\(subject) could not be checked: \(error)")] }
            return [.problem("\(error)", advice: error.advice ?? "", code: .noPermission)]
        }
    }
}
