import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Testing

/// S3 and CloudFormation against ministack, an emulator that knows nothing of ours: it compares checksums and ranges of
/// copies, and has an understanding of change sets of its own.
@Suite("The second emulator agrees", .serialized)
struct SecondOpinionTests {
    /// The emulator for all tests here; it ends with this process.
    private static let emulator = Task {
        let process = try PythonProcess(["Tests/AWSEmulator/second_opinion.py"], environment: ".venv-ministack")
        let line = try await process.readLine()
        return (process, url: String(line.drop { $0 != "h" }))
    }

    private func with(_ body: (AWSClient, _ bucket: String) async throws -> Void) async throws {
        let url = try await Self.emulator.value.url
        try await withHTTPTransport { transport in
            let client = AWSClient(
                region: "eu-central-1",
                world: ClientWorld(
                    transport: transport, credentials: TestKeys(),
                    endpoint: { service, region in
                        Endpoint(url: url, signingRegion: service.endpoint(in: region).signingRegion)
                    }, backoff: .quick))
            let bucket = FaultTests.name().lowercased()
            _ = try await client.call(CreateBucket(bucket: bucket, region: client.region))
            try await body(client, bucket)
        }
    }

    @Test("unusual keys are stored, listed in pages, copied and removed")
    func objects() async throws {
        try await with { client, bucket in
            let keys = ["a b", "a+b", "ü/日本", "<&>\"'", "x//y", "100%", "~-_.", "q?r#s"].sorted()
            for key in keys { try await MutatingOperation.put(client, bucket, key) }
            var list = S3.ListObjectsV2(bucket: bucket)
            list.maxKeys = 3
            #expect(try await client.all(list).map(\.key).sorted() == keys)
            for key in keys {
                let got = try await client.call(S3.GetObject(bucket: bucket, key: key))
                #expect(String(decoding: got.body, as: UTF8.self) == "bytes", "\(key)")
                _ = try await client.call(
                    S3.CopyObject(from: .init(bucket: bucket, key: key), bucket: bucket, key: "copy/\(key)"))
            }
            #expect(try await client.all(S3.ListObjectsV2(bucket: bucket, prefix: "copy/")).count == keys.count)
            let removed = try await client.call(S3.DeleteObjects(bucket: bucket, keys: keys))
            #expect(removed.errors.isEmpty)
            #expect(try await client.all(S3.ListObjectsV2(bucket: bucket)).allSatisfy { $0.key.hasPrefix("copy/") })
        }
    }

    @Test("checksums are compared")
    func checksums() async throws {
        try await with { client, bucket in
            var put = S3.PutObject(bucket: bucket, key: "k", body: Array("bytes".utf8))
            put.checksumSHA256 = SHA256Checksum(of: put.body).base64
            _ = try await client.call(put)
            // The header is another's; the signed hash of the body stays right.
            put.checksumSHA256 = nil
            put.checksumCRC64NVME = CRC64NVME(of: Array("other".utf8)).base64
            await #expect(throws: AWSError.self) { try await client.call(put) }
        }
    }

    @Test("a file is uploaded in parts; ranges are copied on the server")
    func transfers() async throws {
        try await with { client, bucket in
            let folder = FileManager.default.temporaryDirectory.appending(path: FaultTests.name())
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let source = folder.appending(path: "source")
            try TransferTests.bytes(12 * TransferTests.mebibyte + 7).write(to: source)
            _ = try await FileUpload(source.path(), to: bucket, "key", plan: TransferTests.plan).run(with: client)
            let stored = try await client.call(S3.GetObject(bucket: bucket, key: "key"))
            #expect(Data(stored.body) == (try Data(contentsOf: source)))

            let id = try await client.call(S3.CreateMultipartUpload(bucket: bucket, key: "joined")).uploadId
            let middle = 6 * TransferTests.mebibyte
            let size = 12 * TransferTests.mebibyte + 7
            var parts: [S3.CompletedPart] = []
            for (number, range) in [0...(middle - 1), middle...(size - 1)].enumerated() {
                let copied = try await client.call(
                    S3.UploadPartCopy(
                        from: .init(bucket: bucket, key: "key"), range: range, bucket: bucket, key: "joined",
                        partNumber: number + 1, uploadId: id))
                parts.append(.init(partNumber: number + 1, eTag: copied.eTag))
            }
            _ = try await client.call(
                S3.CompleteMultipartUpload(bucket: bucket, key: "joined", uploadId: id, parts: parts))
            let joined = try await client.call(S3.GetObject(bucket: bucket, key: "joined"))
            #expect(Data(joined.body) == (try Data(contentsOf: source)))
        }
    }

    @Test("a stack is created by a change set, described and removed")
    func stack() async throws {
        try await with { client, _ in
            let name = FaultTests.name()
            let stack = try await MutatingOperation.stack(client, name, MutatingOperation.plainTemplate)
            #expect(stack.stackStatus == "CREATE_COMPLETE")
            let resources = try await client.all(CloudFormation.ListStackResources(stackName: name))
            #expect(resources.map(\.logicalResourceId) == ["Queue"])
            let events = try await client.all(CloudFormation.DescribeStackEvents(stackName: name))
            #expect(events.contains { $0.resourceStatus == "CREATE_COMPLETE" })
            _ = try await client.call(CloudFormation.DeleteStack(stackName: name))
            try await client.wait(for: "the end of the stack", at: .quick) {
                let found = try? await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
                return found == nil || found?.stackStatus == "DELETE_COMPLETE" ? () : nil
            }
        }
    }
}

private struct TestKeys: CredentialSource {
    func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(accessKeyID: "test", secretAccessKey: "test", origin: "test")
    }
}
