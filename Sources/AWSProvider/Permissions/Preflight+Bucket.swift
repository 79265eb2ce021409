import AWSCore
import AWSServices
import Sandbox

extension Preflight {
    /// Stack, bucket and role are there, and the bucket in the region of the build.
    @Sendable func checkBucket() async throws -> [PreflightFinding] {
        let bucket: ImageBucket
        if let known = self.bucket { bucket = known } else { bucket = try await ImageBucket.find(in: site) }
        async let place = checkPlace(of: bucket)
        return try await checkRole(of: bucket) + place
    }

    private var mending: String { "dss \(PermanentStack.vmBucket.command) --region \(region)" }

    private func checkPlace(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        let place: String
        do {
            place = try await client.call(S3.HeadBucket(bucket: bucket.name)).bucketRegion
        } catch let error as AWSError where error.status == 404 {
            return [.problem("the bucket \(bucket.name) is gone, which its stack has made", advice: mending)]
        } catch let error as AWSError where [301, 400].contains(error.status) {
            return [.problem("the bucket \(bucket.name) is not in \(region): \(error.message)", advice: mending)]
        }
        guard place != region else { return [] }
        return [.problem("the bucket \(bucket.name) is in \(place), not in \(region)", advice: mending)]
    }

    private func checkRole(of bucket: ImageBucket) async throws -> [PreflightFinding] {
        guard method == .vmExport else { return [] }
        do {
            _ = try await client.call(IAM.GetRole(roleName: bucket.exportRole))
            return []
        } catch let error as AWSError where error.code == "NoSuchEntity" {
            return [.problem("the role \(bucket.exportRole) is gone, by which AWS writes exports", advice: mending)]
        } catch let error as AWSError where error.kind == .denied {
            return [.notice("the role \(bucket.exportRole) could not be checked: \(error)")]
        }
    }
}
