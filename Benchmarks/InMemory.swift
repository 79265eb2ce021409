import AWSCore
import AWSServices
import FoundationEssentials

/// Signing, encoding and decoding, without a network.
enum InMemory {
    static func figures() async throws -> [Figure] {
        [try await signing(), try await decoding(), try await decodingObjects()]
    }

    private static func signing() async throws -> Figure {
        let rounds = 2000
        let credentials = Credentials(
            accessKeyID: "AKID", secretAccessKey: "secret", sessionToken: "t", origin: "bench")
        let endpoint = EC2.service.endpoint(in: "eu-central-1")
        let time = try await median {
            for _ in 0..<rounds {
                var operation = EC2.DescribeImages(owners: ["self"])
                operation.filters = [
                    .init(name: "tag:exa_dss_id", values: ["0.1.0"]), .init(name: "state", values: ["available"]),
                ]
                var request = HTTPRequest(.post, endpoint)
                try operation.encode(into: &request)
                let signer = SigV4(credentials, region: "eu-central-1", service: "ec2", at: Date())
                precondition(signer.signed(request).headers.count > 3)
            }
        }
        return Figure(
            name: "sign and encode one DescribeImages", value: time * 1000 / Double(rounds), unit: "µs", limit: 50)
    }

    private static func decoding() async throws -> Figure {
        let response = HTTPResponse(status: 200, body: Array(Documents.images(1000).utf8))
        let time = try await median {
            let output = try EC2.DescribeImages().decode(response)
            precondition(output.images.count == 1000 && output.images[999].tags.count == 2)
        }
        return Figure(name: "decode 1,000 images", value: time, unit: "ms", limit: 60)
    }

    private static func decodingObjects() async throws -> Figure {
        let response = HTTPResponse(status: 200, body: Array(Documents.page("").utf8))
        let time = try await median {
            let page = try S3.ListObjectsV2(bucket: "b").decode(response)
            precondition(page.contents.count == 1000)
        }
        return Figure(name: "decode 1,000 objects", value: time, unit: "ms")
    }
}
