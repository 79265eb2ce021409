import AWSCore
import AWSServices
import FoundationEssentials

/// Signing, encoding and decoding, without a network.
enum InMemory {
    static func figures() async throws -> [Figure] {
        [try await signing(), try await calling(), try await decoding(), try await decodingObjects()]
    }

    private static func signing() async throws -> Figure {
        let rounds = 2000
        let credentials = Credentials(
            accessKeyID: "AKID", secretAccessKey: "secret", sessionToken: "t", origin: "bench")
        let endpoint = EC2.service.endpoint(in: "eu-central-1")
        let keys = SigningKeys()
        let time = try await median {
            for _ in 0..<rounds {
                var operation = EC2.DescribeImages(owners: ["self"])
                operation.filters = [
                    .init(name: "tag:exa_dss_id", values: ["0.1.0"]), .init(name: "state", values: ["available"]),
                ]
                var request = HTTPRequest(.post, endpoint)
                try operation.encode(into: &request)
                let signer = SigV4(credentials, region: "eu-central-1", service: "ec2", at: Date(), keys: keys)
                precondition(signer.signed(request).headers.count > 3)
            }
        }
        return Figure(
            name: "sign and encode one DescribeImages", value: time * 1000 / Double(rounds), unit: "µs", limit: 50)
    }

    /// All that a call costs beside the network.
    private static func calling() async throws -> Figure {
        let rounds = 1000
        let client = AWSClient(
            region: "eu-central-1", world: ClientWorld(transport: Echo(), credentials: FixedKeys()))
        let time = try await median {
            for _ in 0..<rounds { _ = try await client.call(STS.GetCallerIdentity()) }
        }
        return Figure(name: "one call without a network", value: time * 1000 / Double(rounds), unit: "µs")
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

/// Answers without a network.
private struct Echo: Transport {
    private let response = HTTPResponse(
        status: 200, headers: [.init("date", "Fri, 02 Jan 2026 03:04:05 GMT"), .init("x-amzn-requestid", "R")],
        body: Array(Documents.identity.utf8))

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse { response }
}
