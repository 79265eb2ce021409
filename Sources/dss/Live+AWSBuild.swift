import AWSCore
import AWSIdentity
import AWSProvider
import LocalProvider
import Sandbox
import Workbench

/// Builds on AWS.
extension Live {
    /// Which machine an image is made of.
    enum MachineSource {
        case new(MachineOptions)
        /// That of a stack that is there.
        case existing(isKept: Bool)
    }

    /// Gives `body` the provider of an order, and where it publishes.
    func withAWSProvider<Result>(
        for order: BuildOrder, _ aws: AWSOptions, _ machine: MachineSource, _ export: ExportOptions,
        _ body: (AWSVMProvider, ImagePublication) async throws -> Result
    ) async throws -> Result {
        try await withAWS(aws) { identity in
            let site = try site(identity, order.assetID, order.definition, lifetime: machine.lifetime)
            let bucket = try await ImageBucket.find(in: site)
            let credentials = try await lifetime(of: identity)
            let settings =
                switch machine {
                case .new(let options):
                    AWSBuildSettings(
                        machine: { try await machineOrder($0, options, in: site) }, method: export.method,
                        place: exportPlace, credentials: credentials, inputs: try inputs(of: order))
                case .existing(let isKept):
                    // Nobody knows what a person has done on it.
                    AWSBuildSettings(
                        machine: nil, removesMachine: !isKept, method: export.method, place: exportPlace,
                        credentials: credentials, inputs: "export-vm")
                }
            let provider = AWSVMProvider(
                site, machines: machines(site), export: awsExport(site, bucket, export), settings: settings)
            return try await body(provider, ImagePublication(site, bucket))
        }
    }

    func awsExport(_ site: BuildSite, _ bucket: ImageBucket, _ options: ExportOptions) -> AWSExport {
        let folder = options.workDirectory.map(absolute) ?? exportDirectory
        return AWSExport(site, bucket, place: exportPlace, workDirectory: folder, runner: runner)
    }

    /// Where exports keep their files unless they are told otherwise.
    var exportDirectory: String { absolute(environment["DSS_WORK_DIR"] ?? "/var/tmp") }

    private var exportPlace: ExportPlace {
        ExportPlace(environment: environment, vendor: try? readText(ExportPlace.vendorFile))
    }

    /// Keys in the environment are all there is; every other source has newer ones to give.
    private func lifetime(of identity: Identity) async throws -> Preflight.Credentials {
        let credentials = try await identity.keeper.credentials(insteadOf: nil)
        return Preflight.Credentials(
            expires: credentials.expiration, areRenewed: !credentials.origin.hasPrefix("environment"))
    }

    /// Of the playbook and what else makes a sandbox on AWS what it is.
    private func inputs(of order: BuildOrder) throws -> String {
        var hash = ContentHash()
        for key in try PlaybookFingerprint(order).stepKeys { hash.add("step", key) }
        let definition = order.definition
        hash.add("name", "\(definition.name) \(definition.version)")
        hash.add("base", "\(definition.base.distribution) \(definition.base.suite) \(definition.base.architecture)")
        hash.add("volume", "\(definition.aws.volumeSizeGiB)")
        return hash.hexDigest
    }
}

extension Live.MachineSource {
    /// Hours after which whatever the build alone needs is past its time.
    fileprivate var lifetime: Int {
        if case .new(let options) = self { options.reach.lifetime } else { 24 }
    }
}
