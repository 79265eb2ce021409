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
