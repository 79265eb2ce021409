import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Looks, before the first call that costs something, for what AWS would refuse hours later.
package struct Preflight: Sendable {
    /// How long the caller's credentials are good.
    package struct Credentials: Sendable {
        /// `nil` where they are good until somebody revokes them, or where nobody knows.
        package var expires: Date?
        /// Whether others can be had by then without anybody doing something.
        package var areRenewed: Bool

        package init(expires: Date? = nil, areRenewed: Bool = false) {
            self.expires = expires
            self.areRenewed = areRenewed
        }
    }

    let site: BuildSite
    let definition: SandboxDefinition
    package var instanceType: String
    package var volumeGiB: Int
    /// `nil` where no machine is to be started any more: an image is there and is only exported.
    package var source: SourceImage?
    /// `nil` where it is not known yet; it is looked for then.
    package var bucket: ImageBucket?
    package var method: ExportMethod
    package var formats: [ImageFormat]
    package var credentials = Credentials()
    /// The image is to be made public.
    package var isPublic = false
    /// A key pair of the build's own is to be made.
    package var makesKeyPair = true

    package init(
        _ site: BuildSite, _ definition: SandboxDefinition, source: SourceImage?, bucket: ImageBucket? = nil,
        method: ExportMethod, formats: [ImageFormat]
    ) {
        self.site = site
        self.definition = definition
        self.source = source
        self.bucket = bucket
        self.method = method
        self.formats = formats
        instanceType = definition.aws.instanceType
        volumeGiB = definition.aws.volumeSizeGiB
    }

    var client: AWSClient { site.client }
    var region: String { site.region }

    /// Runs all checks at the same time.
    /// - Throws: one `Failure` with everything that was found, a line and an advice each; what could not be checked, or
    ///   may go wrong, is only told.
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
                PreflightCheck("the quota of machines", isNeeded: false, checkMachineQuota),
            ]
        }
        if isPublic { checks.append(PreflightCheck("the quota of public images", checkPublicImages)) }
        return try await PreflightCheck.run(checks)
    }
}

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

/// What a check found, and what to do about it.
struct PreflightFinding: Sendable, Equatable {
    enum Weight: Sendable { case problem, warning, notice }

    var weight: Weight
    var text: String
    var advice: String?
    /// The exit code where it is the only problem.
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

    /// A problem that another part of the program has found.
    init(_ failure: Failure) {
        self.init(weight: .problem, text: failure.message, advice: failure.advice, code: failure.code)
    }

    var line: String { text + (advice.map { "; \($0)" } ?? "") }

    /// - Returns: `nil` where nothing was found.
    static func failure(of problems: [PreflightFinding]) -> Failure? {
        guard let first = problems.first else { return nil }
        let end = "nothing has been made"
        guard problems.count > 1 else {
            return Failure(first.code, first.text, details: [end], advice: first.advice)
        }
        let isOfOneKind = problems.allSatisfy { $0.code == first.code }
        return Failure(
            isOfOneKind ? first.code : .failed,
            "AWS would not let this build come to its end, for \(problems.count) reasons",
            details: problems.flatMap { problem in
                ["- \(problem.text)"] + (problem.advice.map { ["  → \($0)"] } ?? [])
            } + [end], advice: "mend these, then run the same command again")
    }
}

extension Preflight {
    /// How long a build takes, roughly: the machine and its installation, the image, and the exports.
    var estimate: Duration {
        let exports = method == .vmExport ? 40 * formats.count : 40
        return .seconds(((source == nil ? 0 : 60) + (formats.isEmpty ? 0 : exports)) * 60)
    }

    @Sendable func checkCredentials() -> [PreflightFinding] {
        let now = site.now()
        guard let expires = credentials.expires,
            expires < now.addingTimeInterval(TimeInterval(estimate.components.seconds))
        else { return [] }
        let minutes = { (seconds: TimeInterval) in Int((seconds / 60).rounded()) }
        let left = minutes(expires.timeIntervalSince(now))
        let needed = minutes(TimeInterval(estimate.components.seconds))
        let text = "the credentials are good for \(left) minutes, and the build takes about \(needed)"
        if credentials.areRenewed {
            return [.warning("\(text); they are renewed on the way, as long as who gives them does")]
        }
        return [
            .problem(
                text, advice: "log in again for longer, or use a profile that is renewed by itself",
                code: .noPermission)
        ]
    }
}
