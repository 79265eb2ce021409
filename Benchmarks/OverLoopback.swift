import AWSCore
import AWSServices
import AsyncHTTPClient
import Glibc
import HTTPTransport
import NIOCore
import NIOHTTP1

/// The client against a server that answers at once, each beside a bare loop of the HTTP library.
struct OverLoopback {
    let port: Int
    let folder: String

    private var url: String { "http://127.0.0.1:\(port)" }
    private var file: String { "\(folder)/two-gigabytes" }
    private var size: Int { AnsweringServer.block.count * AnsweringServer.blocks }

    private func withClient<Result>(_ body: (AWSClient) async throws -> Result) async throws -> Result {
        try await withHTTPTransport { transport in
            let endpoint = Endpoint(url: url, signingRegion: "eu-central-1")!
            let keys = FixedKeys()
            return try await body(
                AWSClient(
                    region: "eu-central-1",
                    world: ClientWorld(transport: transport, credentials: keys, endpoint: { _, _ in endpoint })))
        }
    }

    private func withBare<Result>(_ body: (HTTPClient) async throws -> Result) async throws -> Result {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let result = try await body(client)
        try await client.shutdown()
        return result
    }

    // Small calls

    func calls() async throws -> [Figure] {
        let ours = try await withClient { client in
            try await median {
                for _ in 0..<100 {
                    let identity = try await client.call(STS.GetCallerIdentity())
                    precondition(identity.account == "123456789012")
                }
            }
        }
        let bare = try await withBare { client in
            try await median {
                for _ in 0..<100 {
                    var request = HTTPClientRequest(url: url)
                    request.method = .POST
                    request.body = .bytes(ByteBuffer(string: "Action=GetCallerIdentity&Version=2011-06-15"))
                    let response = try await client.execute(request, timeout: .seconds(10))
                    let body = try await response.body.collect(upTo: 1 << 20)
                    precondition(body.readableBytes > 100)
                }
            }
        }
        return [
            Figure(name: "100 small calls", value: ours, unit: "ms"),
            Figure(name: "100 small calls, bare", value: bare, unit: "ms"),
            Figure(name: "100 small calls, ratio", value: ours / bare, unit: "x", limit: 1.3),
        ]
    }

    // 2 GB

    func upload() async throws -> Double {
        try await withClient { client in
            try await milliseconds {
                let output = try await FileUpload(file, to: "bucket", "key").run(with: client)
                precondition(output.size == size)
            }
        }
    }

    func bareUpload() async throws -> Double {
        try await bare(open(file, O_RDONLY)) { client, descriptor, number in
            let body = [UInt8](unsafeUninitializedCapacity: AnsweringServer.block.count) { buffer, count in
                count = pread(descriptor, buffer.baseAddress!, buffer.count, off_t(number * buffer.count))
            }
            var request = HTTPClientRequest(url: "\(url)/bucket/key?partNumber=\(number + 1)")
            request.method = .PUT
            request.body = .bytes(ByteBuffer(bytes: body))
            let response = try await client.execute(request, timeout: .seconds(60))
            precondition(response.status.code == 200)
            _ = try await response.body.collect(upTo: 1 << 20)
        }
    }

    /// Every block, three at a time, as the transfer does.
    private func bare(
        _ descriptor: Int32, _ block: @escaping @Sendable (HTTPClient, Int32, Int) async throws -> Void
    ) async throws -> Double {
        defer { close(descriptor) }
        return try await withBare { client in
            try await milliseconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<AnsweringServer.blocks {
                        if number >= 3 { try await group.next() }
                        group.addTask { try await block(client, descriptor, number) }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    // Listing

    func listing() async throws -> [Figure] {
        try await withClient { client in
            var early = 0.0
            var count = 0
            let time = try await milliseconds {
                for try await _ in client.items(of: S3.ListObjectsV2(bucket: "bucket")) {
                    count += 1
                    if count == AnsweringServer.objects / 10 { early = peakMemory() }
                }
            }
            precondition(count == AnsweringServer.objects)
            return [
                Figure(name: "list 100,000 objects", value: time, unit: "ms"),
                Figure(name: "list: memory after 10,000", value: early, unit: "MB"),
                Figure(name: "list: memory after 100,000", value: peakMemory(), unit: "MB", limit: early * 1.1),
            ]
        }
    }
}

struct FixedKeys: CredentialSource {
    func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(accessKeyID: "AKID", secretAccessKey: "secret", origin: "bench")
    }
}
