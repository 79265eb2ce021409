import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Checks, before the first call that costs money, for problems that would otherwise make the build fail hours later.
package struct Preflight: Sendable {
    /// The lifetime of the caller's credentials.
    package struct Credentials: Sendable {
        /// When they expire; `nil` if they do not expire or if that is unknown.
        package var expires: Date?
        /// Whether they can be renewed without user interaction.
        package var areRenewed: Bool

        package init(expires: Date? = nil, areRenewed: Bool = false) {
            self.expires = expires
            self.areRenewed = areRenewed
        }
    }

    let workspace: AWSWorkspace
    let definition: SandboxDefinition
    package var instanceType: String
    package var volumeGiB: Int
    /// `nil` if no instance is needed because an existing image is only exported.
    package var source: SourceImage?
    /// `nil` if it is not known yet; it is looked up then.
    package var bucket: ImageBucket?
    package var method: ExportMethod
    package var formats: [ImageFormat]
    package var credentials = Credentials()
    /// Whether the image will be made public.
    package var isPublic = false
    /// Whether the build creates its own key pair.
    package var makesKeyPair = true

    package init(
        _ workspace: AWSWorkspace, _ definition: SandboxDefinition, source: SourceImage?, bucket: ImageBucket? = nil,
        method: ExportMethod, formats: [ImageFormat]
    ) {
        self.workspace = workspace
        self.definition = definition
        self.source = source
        self.bucket = bucket
        self.method = method
        self.formats = formats
        instanceType = definition.aws.instanceType
        volumeGiB = definition.aws.volumeSizeGiB
    }

    var client: AWSClient { workspace.client }
    var region: String { workspace.region }

    /// Runs all checks concurrently.
    /// - Throws: one `Failure` that lists all problems, each with its advice. Warnings and failed optional checks are
    ///   only reported as events.
    package func run(_ events: EventSink) async throws {
        let found = try await activity("preflight", events) { try await findings() }
        for finding in found where finding.weight == .warning { events(.warning(finding.line)) }
        for finding in found where finding.weight == .notice { events(.notice(finding.line)) }
        if let failure = PreflightFinding.failure(of: found.filter { $0.weight == .problem }) { throw failure }
    }

    func findings() async throws -> [PreflightFinding] {
        var checks = [
            PreflightCheck("credentials", checkCredentials), PreflightCheck("permissions", checkDryRuns),
            PreflightCheck("policies", isNeeded: false, checkPolicies), PreflightCheck("names", checkNames),
            PreflightCheck("the format", checkExport),
        ]
        if !formats.isEmpty {
            checks.append(PreflightCheck("the bucket", checkBucket))
            checks.append(PreflightCheck("running exports", checkRunningExports))
        }
        if source != nil {
            checks += [
                PreflightCheck("the instance type", checkInstanceType), PreflightCheck("the network", checkNetwork),
                PreflightCheck("the disk", checkVolume),
                PreflightCheck("the instance quota", isNeeded: false, checkMachineQuota),
            ]
        }
        if isPublic { checks.append(PreflightCheck("the quota for public images", checkPublicImages)) }
        return try await PreflightCheck.run(checks)
    }
}

/// A check that runs before anything is created.
struct PreflightCheck: Sendable {
    /// The subject as part of a sentence: `the instance type`.
    var subject: String
    /// Whether the build itself needs the permissions of the check. If not, a denied check is only a notice.
    var isNeeded: Bool
    var find: @Sendable () async throws -> [PreflightFinding]

    init(
        _ subject: String, isNeeded: Bool = true, _ find: @escaping @Sendable () async throws -> [PreflightFinding]
    ) {
        self.subject = subject
        self.isNeeded = isNeeded
        self.find = find
    }

    /// Runs all checks concurrently.
    /// - Returns: the findings in the order of the checks.
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
            guard isNeeded else { return [.notice("could not check \(subject): \(error)")] }
            return [.problem("\(error)", advice: error.advice ?? "", code: .noPermission)]
        }
    }
}

/// A finding of a check, with advice on how to fix it.
struct PreflightFinding: Sendable, Equatable {
    enum Weight: Sendable { case problem, warning, notice }

    var weight: Weight
    var text: String
    var advice: String?
    /// The exit code if this is the only problem.
    var code: Failure.Code

    static func problem(_ text: String, advice: String, code: Failure.Code = .failed) -> PreflightFinding {
        PreflightFinding(weight: .problem, text: text, advice: advice, code: code)
    }

    static func warning(_ text: String, advice: String? = nil) -> PreflightFinding {
        PreflightFinding(weight: .warning, text: text, advice: advice, code: .failed)
    }

    static func notice(_ text: String) -> PreflightFinding {
        PreflightFinding(weight: .notice, text: text, advice: nil, code: .failed)
    }

    init(weight: Weight, text: String, advice: String?, code: Failure.Code) {
        self.weight = weight
        self.text = text
        self.advice = advice
        self.code = code
    }

    /// A problem that another part of the program reported as a failure.
    init(_ failure: Failure) {
        self.init(weight: .problem, text: failure.message, advice: failure.advice, code: failure.code)
    }

    var line: String { text + (advice.map { "; \($0)" } ?? "") }

    /// Combines all problems into one failure.
    /// - Returns: `nil` if there are no problems.
    static func failure(of problems: [PreflightFinding]) -> Failure? {
        guard let first = problems.first else { return nil }
        let end = "nothing was created"
        guard problems.count > 1 else {
            return Failure(first.code, first.text, details: [end], advice: first.advice)
        }
        let isOfOneKind = problems.allSatisfy { $0.code == first.code }
        return Failure(
            isOfOneKind ? first.code : .failed,
            "preflight found \(problems.count) problems that would make the build fail",
            details: problems.flatMap { problem in
                ["- \(problem.text)"] + (problem.advice.map { ["  → \($0)"] } ?? [])
            } + [end], advice: "fix these problems, then run the same command again")
    }
}

extension Preflight {
    /// Rough estimate of the build time: instance and installation, image, and exports.
    var estimate: Duration {
        let exports = method == .vmExport ? 40 * formats.count : 40
        return .seconds(((source == nil ? 0 : 60) + (formats.isEmpty ? 0 : exports)) * 60)
    }

    @Sendable func checkCredentials() -> [PreflightFinding] {
        let now = workspace.now()
        guard let expires = credentials.expires,
            expires < now.addingTimeInterval(TimeInterval(estimate.components.seconds))
        else { return [] }
        let minutes = { (seconds: TimeInterval) in Int((seconds / 60).rounded()) }
        let left = minutes(expires.timeIntervalSince(now))
        let needed = minutes(TimeInterval(estimate.components.seconds))
        let text = "the credentials expire in \(left) minutes, but the build takes about \(needed) minutes"
        if credentials.areRenewed {
            return [.warning("\(text); they are renewed automatically as long as their source allows it")]
        }
        return [
            .problem(
                text, advice: "log in again for a longer session, or use a profile that renews its credentials",
                code: .noPermission)
        ]
    }
}
