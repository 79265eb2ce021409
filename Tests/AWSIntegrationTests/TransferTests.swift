import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Synchronization
import Testing

@Suite("Uploads", .serialized)
struct TransferTests {
    static let mebibyte = 1 << 20
    static let plan = TransferPlan(pieceSize: 5 * mebibyte, parallel: 3)

    static let sizes = [0, 1, 5 * mebibyte - 1, 5 * mebibyte, 5 * mebibyte + 1, 17 * mebibyte + 3]

    @Test("a file arrives whole, of any size", arguments: sizes)
    func whole(_ size: Int) async throws {
        try await with(size) { world in
            let progress = Seen()
            let sent = try await world.upload.run(with: world.client) { progress.add($0) }
            #expect(sent.size == size && sent.checksum.isEmpty == false)
            #expect(progress.all.last?.done == size && progress.all.last?.resumed == 0)
            let stored = try await world.client.call(world.get)
            #expect(stored.checksumSHA256 == sent.checksum)
            #expect(Data(stored.body) == (try Data(contentsOf: world.source)))
            #expect(try await world.openUploads() == 0)
        }
    }

    @Test("objects of another tool, with a CRC of the whole object")
    func crc() async throws {
        try await with(12 * Self.mebibyte + 5) { world in
            let bytes = Array(try Data(contentsOf: world.source))
            let create = S3.CreateMultipartUpload(
                bucket: world.bucket, key: "key", checksumAlgorithm: "CRC64NVME", checksumType: "FULL_OBJECT")
            let id = try await world.client.call(create).uploadId
            var parts: [S3.CompletedPart] = []
            for (number, start) in stride(from: 0, to: bytes.count, by: 6 * Self.mebibyte).enumerated() {
                let body = Array(bytes[start..<min(start + 6 * Self.mebibyte, bytes.count)])
                var part = S3.UploadPart(
                    bucket: world.bucket, key: "key", uploadId: id, partNumber: number + 1, body: body)
                part.checksumCRC64NVME = CRC64NVME(of: body).base64
                let tag = try await world.client.call(part).eTag
                parts.append(.init(partNumber: number + 1, eTag: tag, checksumCRC64NVME: part.checksumCRC64NVME))
            }
            var complete = S3.CompleteMultipartUpload(bucket: world.bucket, key: "key", uploadId: id, parts: parts)
            complete.checksumCRC64NVME = CRC64NVME(of: bytes).base64
            complete.checksumType = "FULL_OBJECT"
            _ = try await world.client.call(complete)
            let stored = try await world.client.call(world.get)
            #expect(stored.checksumCRC64NVME == CRC64NVME(of: bytes).base64 && stored.body == bytes)
        }
    }

    @Test("a crashed upload resumes without sending its parts again")
    func resumeUpload() async throws {
        try await with(26 * Self.mebibyte) { world in
            // As after kill -9: an upload with two parts, one of them of another content by now.
            let create = S3.CreateMultipartUpload(
                bucket: world.bucket, key: "key", checksumAlgorithm: "SHA256", checksumType: "COMPOSITE")
            let id = try await world.client.call(create).uploadId
            let bytes = Array(try Data(contentsOf: world.source))
            for (number, body) in [
                (1, Array(bytes[..<Self.plan.pieceSize])), (2, [UInt8](repeating: 1, count: Self.plan.pieceSize)),
            ] {
                var part = S3.UploadPart(bucket: world.bucket, key: "key", uploadId: id, partNumber: number, body: body)
                part.checksumSHA256 = SHA256Checksum(of: body).base64
                _ = try await world.client.call(part)
            }
            try await world.account.withdrawFaults()
            let before = try await world.account.calls().count
            let progress = Seen()
            _ = try await world.upload.run(with: world.client) { progress.add($0) }
            let calls = try await world.account.calls().dropFirst(before).map(\.action)
            #expect(calls.filter { $0 == "UploadPart" }.count == 5 && !calls.contains("CreateMultipartUpload"))
            #expect(progress.all.last?.resumed == Self.plan.pieceSize)
            #expect(try await world.isWhole())
        }
    }

    @Test("an upload that fails leaves its parts for the next run; abandoning removes them")
    func failUpload() async throws {
        try await with(17 * Self.mebibyte) { world in
            let impatient = world.account.client(world.client.world.transport, backoff: .quick.with(attempts: 2))
            try await world.account.order("reset", "s3", "UploadPart", ["after": 2, "times": 99])
            await #expect(throws: AWSError.self) { try await world.upload.run(with: impatient) }
            #expect(try await world.openUploads() == 1)
            try await world.account.withdrawFaults()
            try await world.upload.abandon(with: world.client)
            #expect(try await world.openUploads() == 0)

        }
    }

    @Test("an upload that is cancelled leaves nothing", arguments: ["CreateMultipartUpload", "UploadPart"])
    func cancelUpload(during action: String) async throws {
        try await with(17 * Self.mebibyte) { world in
            try await world.account.order("slow", "s3", action, ["times": 99, "seconds": 1])
            let upload = world.upload
            let client = world.client
            let task = Task { try await upload.run(with: client) }
            while try await !world.account.calls().contains(where: { $0.action == action }) {
                try await Task.sleep(for: .milliseconds(20))
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await world.account.withdrawFaults()
            #expect(try await world.openUploads() == 0)
            #expect(try await world.client.all(S3.ListObjectsV2(bucket: world.bucket)).isEmpty)
        }
    }

    @Test("corruption in S3 or in transit is detected")
    func rot() async throws {
        try await with(Self.mebibyte) { world in
            _ = try await world.upload.run(with: world.client)
            let always = world.account.client(Flipping(transport: world.client.world.transport, times: 1000))
            let error = await #expect(throws: AWSError.self) { try await always.call(world.get) }
            #expect(error?.message.contains("do not match the checksum stored by S3") == true)
            let once = world.account.client(Flipping(transport: world.client.world.transport, times: 1))
            #expect(try await Data(once.call(world.get).body) == Data(contentsOf: world.source))
        }
    }

    @Test("a file that changes while it is sent is not published")
    func changing() async throws {
        try await with(17 * Self.mebibyte) { (world: World) async throws in
            let source = world.source
            let touch = { @Sendable in
                let handle = try! FileHandle(forUpdating: source)
                try! handle.write(contentsOf: Data([9]))
                try! handle.close()
            }
            await #expect(throws: FileChanged.self) {
                try await world.upload.run(with: world.client) { _ in touch() }
            }
            #expect(try await world.openUploads() == 0)
            #expect(try await world.client.all(S3.ListObjectsV2(bucket: world.bucket)).isEmpty)
        }
    }

    @Test("faults in the middle: all parts arrive once, the object is whole")
    func faults() async throws {
        try await with(26 * Self.mebibyte) { world in
            for kind in ["throttle", "500", "reset", "truncate", "applied-then-reset", "html"] {
                try await world.account.order(kind, "s3", "UploadPart", ["after": 1])
            }
            for action in ["CreateMultipartUpload", "CompleteMultipartUpload"] {
                try await world.account.order("applied-then-reset", "s3", action)
            }
            _ = try await world.upload.run(with: world.client)
            #expect(try await world.isWhole())
            #expect(try await world.openUploads() == 0)
        }
    }

    /// Bytes of which no two pieces are the same: a counted block, over and over, with its number at its beginning.
    static func bytes(_ size: Int) -> Data {
        let block = Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
        var bytes = Data()
        for number in 0...(size / block.count) {
            bytes.append(withUnsafeBytes(of: number.bigEndian) { Data($0) } + block.dropFirst(8))
        }
        return bytes.prefix(size)
    }

    private func with(_ size: Int, _ body: (World) async throws -> Void) async throws {
        try await EmulatedAccount.with { account, client in
            let folder = FileManager.default.temporaryDirectory.appending(path: FaultTests.name())
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try Self.bytes(size).write(to: folder.appending(path: "source"))
            let bucket = try await MutatingOperation.bucket(client, FaultTests.name())
            try await body(World(account: account, client: client, folder: folder, bucket: bucket))
        }
    }

    struct World {
        var account: EmulatedAccount
        var client: AWSClient
        var folder: URL
        var bucket: String

        var source: URL { folder.appending(path: "source") }
        var upload: FileUpload { FileUpload(source.path(), to: bucket, "key", plan: TransferTests.plan) }
        var get: S3.GetObject { S3.GetObject(bucket: bucket, key: "key") }

        /// Whether the stored object is the file.
        func isWhole() async throws -> Bool {
            try await Data(client.call(get).body) == Data(contentsOf: source)
        }

        func openUploads() async throws -> Int {
            try await client.all(S3.ListMultipartUploads(bucket: bucket)).count
        }
    }
}

/// Progress as it was told.
private final class Seen: Sendable {
    private let seen: Mutex<[TransferProgress]> = Mutex([])
    var all: [TransferProgress] { seen.withLock { $0 } }
    func add(_ progress: TransferProgress) { seen.withLock { $0.append(progress) } }
}

/// Flips a bit of some large answers.
private final class Flipping: Transport {
    private let transport: any Transport
    private let times: Mutex<Int>

    init(transport: any Transport, times: Int) {
        self.transport = transport
        self.times = Mutex(times)
    }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        var response = try await transport.send(request, within: limit)
        if response.body.count > 100_000,
            times.withLock({
                $0 -= 1
                return $0 >= 0
            })
        {
            response.body[500] ^= 1
        }
        return response
    }
}
