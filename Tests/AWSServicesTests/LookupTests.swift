import AWSCore
import AWSServices
import Digests
import Foundation
import Synchronization
import Testing

/// After a lost response, a resource counts as ours only if it is.
@Suite("Lookups of resources that may already exist")
struct LookupTests {
    // EC2

    static func images(_ change: (String) -> String = { $0 }) -> String {
        change(
            """
            <DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><name>sandbox</name>\
            <imageState>pending</imageState><sourceInstanceId>i-1</sourceInstanceId><blockDeviceMapping><item>\
            <ebs><snapshotId>snap-1</snapshotId></ebs></item></blockDeviceMapping><tagSet><item><key>asset</key>\
            <value>a</value></item><item><key>other</key><value>b</value></item></tagSet></item></imagesSet>\
            </DescribeImagesResponse>
            """)
    }

    static let tags = [EC2.TagSpecification(resourceType: "image", tags: [.init(key: "asset", value: "a")])]

    @Test(
        "an image is ours by name, tags, state and source",
        arguments: [
            ("", "", true), ("sandbox<", "sandboxes<", false), ("pending", "failed", false), ("asset", "asst", false),
            ("i-1", "i-2", false), ("<sourceInstanceId>i-1</sourceInstanceId>", "", true),
        ])
    func createImage(_ text: String, _ other: String, _ isOurs: Bool) async throws {
        let answer = Self.images { text.isEmpty ? $0 : $0.replacing(text, with: other) }
        let operation = EC2.CreateImage(instanceId: "i-1", name: "sandbox", tagSpecifications: Self.tags)
        let found = try await lookup(operation, [answer])
        #expect(found?.imageId == (isOurs ? "ami-1" : nil))
    }

    @Test("a registered image is ours by its snapshots", arguments: [("snap-1", true), ("snap-2", false)])
    func registerImage(_ snapshot: String, _ isOurs: Bool) async throws {
        let disk = EC2.BlockDeviceMapping(deviceName: "/dev/sda1", ebs: .init(snapshotId: snapshot))
        let operation = EC2.RegisterImage(
            name: "sandbox", architecture: "x86_64", rootDeviceName: "/dev/sda1", blockDeviceMappings: [disk],
            tagSpecifications: Self.tags)
        #expect(try await lookup(operation, [Self.images()])?.imageId == (isOurs ? "ami-1" : nil))
    }

    @Test(
        "a key pair is ours by tags and key",
        arguments: [
            ("a", "ssh-ed25519 AAAA name", true), ("b", "ssh-ed25519 AAAA", false), ("a", "ssh-ed25519 AAAB", false),
        ])
    func importKeyPair(_ tag: String, _ key: String, _ isOurs: Bool) async throws {
        let operation = EC2.ImportKeyPair(
            keyName: "k", publicKeyMaterial: Data("ssh-ed25519 AAAA me@here\n".utf8),
            tagSpecifications: [.init(resourceType: "key-pair", tags: [.init(key: "asset", value: "a")])])
        let answer = """
            <DescribeKeyPairsResponse><keySet><item><keyPairId>key-1</keyPairId><keyName>k</keyName>\
            <publicKey>\(key)</publicKey><tagSet><item><key>asset</key><value>\(tag)</value></item></tagSet></item>\
            </keySet></DescribeKeyPairsResponse>
            """
        #expect(try await lookup(operation, [answer])?.keyPairId == (isOurs ? "key-1" : nil))
    }

    @Test("a snapshot is complete when it is completed", arguments: [("completed", true), ("pending", false)])
    func completeSnapshot(_ state: String, _ isDone: Bool) async throws {
        let answer = """
            <DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-1</snapshotId><status>\(state)</status>\
            </item></snapshotSet></DescribeSnapshotsResponse>
            """
        let operation = EBS.CompleteSnapshot(snapshotId: "snap-1", changedBlocksCount: 1)
        #expect(try await lookup(operation, [answer])?.status == (isDone ? "completed" : nil))
    }

    // S3

    static func object(eTag: String, crc: String? = nil) -> HTTPResponse {
        var answer = HTTPResponse(status: 200, headers: [.init("etag", eTag), .init("content-length", "5")])
        answer.headers += crc.map { [.init("x-amz-checksum-crc64nvme", $0)] } ?? []
        return answer
    }

    static let hello = Array("hello".utf8)
    static let helloTag = "\"\(hex(Insecure.MD5.hash(data: hello)))\""
    static let missing = HTTPResponse(status: 404)

    @Test("an object that may replace another is resent without a lookup")
    func putObject() async throws {
        #expect(try await lookup(S3.PutObject(bucket: "b", key: "k", body: Self.hello), [HTTPResponse]()) == nil)
    }

    @Test(
        "an object that must not replace another is ours if its bytes match",
        arguments: [
            (object(eTag: helloTag), nil, true), (object(eTag: "\"other\""), nil, false),
            (object(eTag: "\"other\"", crc: "crc"), "crc", true), (object(eTag: helloTag, crc: "other"), "crc", false),
            (missing, nil, false),
        ] as [(HTTPResponse, String?, Bool)])
    func putObjectOnce(_ answer: HTTPResponse, _ checksum: String?, _ isOurs: Bool) async throws {
        let operation = Catalogue.with(S3.PutObject(bucket: "b", key: "k", body: Self.hello)) {
            $0.ifNoneMatch = "*"
            $0.checksumCRC64NVME = checksum
        }
        #expect((try await lookup(operation, [answer]) != nil) == isOurs)
    }

    @Test("an upload is the newest one of the key, on any page, that this call may have started")
    func createMultipartUpload() async throws {
        let upload = { (key: String, id: String, minute: Int) in
            "<Upload><Key>\(key)</Key><UploadId>\(id)</UploadId><Initiated>2026-01-02T03:\(minute):00Z</Initiated></Upload>"
        }
        let pages = [
            "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>" + upload("k", "old", 10)
                + upload("k", "one", 58),
            "<IsTruncated>true</IsTruncated><NextKeyMarker>k2</NextKeyMarker>" + upload("k", "two", 59)
                + upload("k2", "other", 59),
        ].map { "<ListMultipartUploadsResult>\($0)</ListMultipartUploadsResult>" }
        let operation = S3.CreateMultipartUpload(bucket: "b", key: "k")
        #expect(try await lookup(operation, pages, since: "2026-01-02T03:58:00Z")?.uploadId == "two")
        // S3 truncates fractional seconds, and clocks differ slightly.
        #expect(try await lookup(operation, pages, since: "2026-01-02T03:59:04Z")?.uploadId == "two")
        #expect(try await lookup(operation, pages, since: "2026-01-02T03:59:10Z") == nil)
    }

    static let tagOfParts: String = {
        let digest = Insecure.MD5.hash(data: hello)
        return "\"\(hex(Insecure.MD5.hash(data: digest + digest)))-2\""
    }()

    static let open = HTTPResponse(
        status: 200, body: Array("<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>".utf8))
    static let closed = HTTPResponse(status: 404, body: Array("<Error><Code>NoSuchUpload</Code></Error>".utf8))

    @Test(
        "an upload is completed if it is no longer open and the object consists of its parts",
        arguments: [
            ([open], nil, false), ([closed, object(eTag: tagOfParts)], nil, true),
            ([closed, object(eTag: helloTag)], nil, false), ([closed, missing], nil, false),
            ([closed, object(eTag: "\"kms-2\"", crc: "crc")], "crc", true),
            ([closed, object(eTag: tagOfParts, crc: "other")], "crc", false),
        ] as [([HTTPResponse], String?, Bool)])
    func completeMultipartUpload(_ answers: [HTTPResponse], _ checksum: String?, _ isOurs: Bool) async throws {
        let parts = (1...2).map { S3.CompletedPart(partNumber: $0, eTag: Self.helloTag) }
        let operation = Catalogue.with(
            S3.CompleteMultipartUpload(bucket: "b", key: "k", uploadId: "id", parts: parts)
        ) { $0.checksumCRC64NVME = checksum }
        #expect((try await lookup(operation, answers) != nil) == isOurs)
    }

    private func lookup<O: AWSCore.Operation>(
        _ operation: O, _ documents: [String], since start: String = "2026-01-02T04:00:00Z"
    ) async throws -> O.Output? {
        try await lookup(operation, documents.map { HTTPResponse(status: 200, body: Array($0.utf8)) }, since: start)
    }

    /// Runs the operation's lookup against responses, all of which it must request.
    private func lookup<O: AWSCore.Operation>(
        _ operation: O, _ answers: [HTTPResponse], since start: String = "2026-01-02T04:00:00Z"
    ) async throws -> O.Output? {
        guard case .lookup(_, let find) = O.retrySafety else {
            Issue.record("\(O.name) is not looked up")
            return nil
        }
        let transport = Answers(answers)
        let world = ClientWorld(transport: transport, credentials: AnonymousSource())
        let found = try await find(
            operation, AWSClient(region: "eu-central-1", world: world), try Date(start, strategy: .iso8601))
        #expect(transport.rest.isEmpty)
        return found
    }
}

/// Returns responses in order.
private final class Answers: Transport {
    private let answers: Mutex<[HTTPResponse]>

    init(_ answers: [HTTPResponse]) { self.answers = Mutex(answers) }

    var rest: [HTTPResponse] { answers.withLock { $0 } }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        try answers.withLock { answers in
            guard !answers.isEmpty else { throw TransportError(.notConnected, "no more answers") }
            return answers.removeFirst()
        }
    }
}
