import AWSCore
import AWSServices
import Sandbox

/// Puts page and document into the bucket and has CloudFront fetch them anew.
package struct IndexPublication: Sendable {
    private let client: AWSClient
    private let bucket: String
    private let distributionID: String
    private let pace: Pace

    package init(_ client: AWSClient, bucket: String, distributionID: String, pace: Pace = Pace(limit: .seconds(1800)))
    {
        self.client = client
        self.bucket = bucket
        self.distributionID = distributionID
        self.pace = pace
    }

    package struct Item: Sendable, Equatable {
        package var key: String
        package var contentType: String
        package var text: String

        package init(_ key: String, _ contentType: String, _ text: String) {
            self.key = key
            self.contentType = contentType
            self.text = text
        }
    }

    /// Minutes, so that what an interrupted run did not invalidate is not old for long.
    static let cacheControl = "public, max-age=300"

    /// - Parameter tell: told what is waited for.
    /// - Returns: the keys that were stored; none where all was as it is to be.
    package func run(_ items: [Item], tell: (String) -> Void = { _ in }) async throws -> [String] {
        var stored: [String] = []
        for item in items where try await store(item) { stored.append(item.key) }
        guard !stored.isEmpty else { return [] }
        // The page is also what the address alone gives.
        let paths =
            stored.map { "/" + percentEncoded($0, keepsSlash: true) }
            + (stored.contains(DownloadPage.fileName) ? ["/"] : [])
        let made = try await client.call(
            CloudFront.CreateInvalidation(distributionId: distributionID, paths: paths))
        if made.status != "Completed" { tell("waiting until CloudFront has forgotten what it had of them") }
        try await client.wait(for: "the invalidation \(made.id) of \(distributionID)", at: pace) {
            let now = try await client.call(CloudFront.GetInvalidation(distributionId: distributionID, id: made.id))
            return now.status == "Completed" ? () : nil
        }
        return stored
    }

    private func store(_ item: Item) async throws -> Bool {
        var put = S3.PutObject(
            bucket: bucket, key: item.key, body: Array(item.text.utf8), contentType: item.contentType)
        put.cacheControl = Self.cacheControl
        put.checksumSHA256 = SHA256Checksum(of: put.body).base64
        if try await checksum(of: item.key) == put.checksumSHA256 { return false }
        _ = try await client.call(put)
        return true
    }

    private func checksum(of key: String) async throws -> String? {
        do {
            return try await client.call(S3.HeadObject(bucket: bucket, key: key, checksumMode: "ENABLED"))
                .checksumSHA256
        } catch let error as AWSError where ["NotFound", "NoSuchKey"].contains(error.code) {
            return nil
        }
    }
}
