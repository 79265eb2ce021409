import AWSCore
import FoundationEssentials

/// Amazon CloudFront, which serves the download bucket: one endpoint for all regions.
package enum CloudFront {
    package static let service = Service(
        id: "CloudFront", signingName: "cloudfront", version: "2020-05-31",
        global: [
            "": Endpoint(host: "cloudfront.amazonaws.com", signingRegion: "us-east-1"),
            "cn-": Endpoint(host: "cloudfront.cn-northwest-1.amazonaws.com.cn", signingRegion: "cn-northwest-1"),
        ])
    static let namespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/"

    /// Invalidates cached paths, so that CloudFront fetches them again.
    package struct CreateInvalidation: RESTXMLOperation {
        package static let service = CloudFront.service
        package static let retrySafety = RetrySafety<Self>.token(\.callerReference)

        package var distributionId: String
        /// Paths start with a slash; `*` is allowed at the end.
        package var paths: [String]
        /// Identifies a repeated call; filled in by the client.
        package var callerReference: String?

        package typealias Output = Invalidation

        package init(distributionId: String, paths: [String]) {
            self.distributionId = distributionId
            self.paths = paths
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .post
            request.path = "/2020-05-31/distribution/\(percentEncoded(distributionId))/invalidation"
            request.add(header: "content-type", "application/xml")
            let batch = InvalidationBatch(
                paths: .init(quantity: paths.count, items: paths), callerReference: callerReference)
            request.body = try xmlBody(
                batch, root: "InvalidationBatch", namespace: CloudFront.namespace, item: "Path")
        }

        package func decode(_ response: HTTPResponse) throws -> Invalidation {
            try decodeDocument(root: "Invalidation", response)
        }
    }

    /// Returns the status of an invalidation, which takes several minutes to reach all edge locations.
    package struct GetInvalidation: RESTXMLOperation {
        package static let service = CloudFront.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var distributionId: String
        package var id: String

        package typealias Output = Invalidation

        package init(distributionId: String, id: String) {
            self.distributionId = distributionId
            self.id = id
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .get
            request.path =
                "/2020-05-31/distribution/\(percentEncoded(distributionId))/invalidation/\(percentEncoded(id))"
        }

        package func decode(_ response: HTTPResponse) throws -> Invalidation {
            try decodeDocument(root: "Invalidation", response)
        }
    }

    private struct InvalidationBatch: Encodable {
        struct Paths: Encodable {
            var quantity: Int
            var items: [String]
        }

        var paths: Paths
        var callerReference: String?
    }

    package struct Invalidation: Sendable, Codable, Equatable {
        package var id: String
        /// `InProgress` or `Completed`.
        package var status: String
        package var createTime: Date
    }
}
