import AWSCore
import AWSServices

extension Identity {
    /// Refuses a mistyped region at once.
    ///
    /// Otherwise each call repeats for half a minute that it cannot find its host. A region that is newer than this
    /// program has a host, and one with an endpoint of the user's own, such as an emulator, needs none.
    /// - Throws: `IdentityError` for a region that is not known and whose host does not exist.
    package func requireRegions(_ regions: [Setting]) async throws {
        for region in regions where !knownRegions.contains(region.value) {
            let service = STS.GetCallerIdentity.service
            let host = service.endpoint(in: region.value).host
            guard endpoints.overrides.isEmpty, await !world.hostExists(host) else { continue }
            throw IdentityError(
                .usage, "there is no region '\(region.value)' (\(region.origin)): its host \(host) does not exist",
                unknown: IdentityError.Unknown(name: region.value, known: knownRegions))
        }
    }
}

/// The regions of AWS in all public partitions.
///
/// Source: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
let knownRegions = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
    "us-gov-west-1", "us-west-1", "us-west-2",
]
