import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Testing
import Workbench

/// Tests that look at all that there is in an account of their own, one after the other.
@Suite("Images and exports on AWS", .serialized, .timeLimit(.minutes(5)))
struct ImageAndExportTests {}

/// An account with the bucket stack, an AMI to export and a machine to capture, empty otherwise.
struct ExportFixture: Sendable {
    let emulator: AWSEmulator
    let transport: any Transport
    let image: CapturedImage
    let bucket: ImageBucket

    static let assetID = "9.1"

    /// - Parameter role: the stack's output for the export role.
    static func with(
        knobs: [String: Any] = [:], role: String = "VMExportRole", _ body: (ExportFixture) async throws -> Void
    ) async throws {
        try await AWSEmulator.with { emulator in
            try await withHTTPTransport { transport in
                try await body(try await fresh(emulator, transport, knobs: knobs, role: role))
            }
        }
    }

    /// The same account, emptied.
    func again(knobs: [String: Any] = [:]) async throws -> ExportFixture {
        try await Self.fresh(emulator, transport, knobs: knobs, role: "VMExportRole")
    }

    private static func fresh(
        _ emulator: AWSEmulator, _ transport: any Transport, knobs: [String: Any], role: String
    ) async throws -> ExportFixture {
        let quick: [String: Any] = ["export_polls": 1, "export_size": 4096, "ami_polls": 0]
        try await emulator.control(["reset": true, "knobs": quick.merging(knobs) { $1 }])
        let client = client(emulator, transport)
        try await client.deploy(
            "DATA-SCIENCE-SANDBOX-VM-Bucket",
            """
            Resources:
              Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: images}}
              Role:
                Type: AWS::IAM::Role
                Properties:
                  RoleName: VMExportRole
                  AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}
            Outputs:
              VMBucketId: {Value: !Ref Bucket}
              VMExportRoleId: {Value: \(role)}
              CfDistributionDomainName: {Value: d1.cloudfront.net}
            """)
        let image = try await client.makeCapturedImage("Exasol-Data-Science-Sandbox-\(assetID)")
        return ExportFixture(
            emulator: emulator, transport: transport, image: image,
            bucket: try await ImageBucket.find(in: client, for: .export))
    }

    private static func client(_ emulator: AWSEmulator, _ transport: any Transport) -> AWSClient {
        emulator.client(transport, backoff: .quick)
    }

    private static func workspace(_ client: AWSClient) -> AWSWorkspace {
        AWSWorkspace(
            client, try! AssetID(assetID), names: SandboxDefinition.Names(),
            polling: PollingPolicy(first: .milliseconds(1), longest: .milliseconds(2), patience: .zero))
    }

    var client: AWSClient { Self.client(emulator, transport) }
    var store: S3ArtifactStore { S3ArtifactStore(client, bucket) }
    var exporter: AWSExport { exporter() }

    func exporter(through other: (any Transport)? = nil, plan: RenamePlan = RenamePlan()) -> AWSExport {
        let workspace = other.map { self.workspace(through: $0) } ?? self.workspace
        return AWSExport(
            workspace, S3ArtifactStore(workspace.client, bucket, plan: plan), place: .elsewhere,
            workDirectory: "/nowhere", runner: SystemCommandRunner())
    }

    var workspace: AWSWorkspace { Self.workspace(client) }

    /// The build as somebody sees it whose calls go through something else.
    func workspace(through other: any Transport) -> AWSWorkspace { Self.workspace(Self.client(emulator, other)) }

    func order(_ formats: [ImageFormat] = [.vhd, .vmdk]) throws -> BuildOrder {
        BuildOrder(
            assetID: try AssetID(Self.assetID),
            definition: SandboxDefinition(
                name: "lab", version: "1", playbook: .init(file: "/p", pins: "/q", roles: []), formats: formats),
            password: .generated(Secret("x")))
    }

    func set(_ knobs: [String: Any]) async throws { try await emulator.control(["knobs": knobs]) }

    func order(_ kind: String, _ action: String, times: Int = 1) async throws {
        try await emulator.control(["faults": [["kind": kind, "action": action, "times": times]]])
    }

    /// How often an operation was done.
    func count(_ action: String) async throws -> Int { try await emulator.count(action) }
}

/// What an export has to do with, in one account.
extension ExportFixture {
    @discardableResult
    func export(
        _ formats: [ImageFormat] = [.vhd, .vmdk], only: Bool = false, inputs: String = "inputs",
        through other: (any Transport)? = nil,
        plan: RenamePlan = RenamePlan(), in scope: Scope = Scope()
    ) async throws -> [Artifact] {
        var order = try order(formats)
        order.keepsOnlyItsFormats = only
        return try await exporter(through: other, plan: plan).export(
            image, method: .auto, missing: [], inputs: inputs, in: BuildContext(order, scope))
    }

    var keys: [String] {
        get async throws {
            try await client.everything(S3.ListObjectsV2(bucket: bucket.name)).map(\.key)
                .map { $0.replacing(workspace.keyPrefix, with: "") }.sorted()
        }
    }

    var uploads: [S3.Upload] {
        get async throws { try await client.everything(S3.ListMultipartUploads(bucket: bucket.name)) }
    }

    var tasks: [EC2.ExportImageTask] {
        get async throws { try await client.everything(EC2.DescribeExportImageTasks()) }
    }

    var images: [EC2.Image] {
        get async throws { try await client.everything(EC2.DescribeImages(owners: ["self"])) }
    }

    var snapshots: [EC2.Snapshot] {
        get async throws { try await client.everything(EC2.DescribeSnapshots(ownerIds: ["self"])) }
    }

    /// The bucket is gone, with all that is in it.
    func removeBucket() async throws {
        for object in try await client.everything(S3.ListObjectsV2(bucket: bucket.name)) {
            _ = try await client.call(S3.DeleteObject(bucket: bucket.name, key: object.key))
        }
        _ = try await client.call(DeleteBucket(bucket: bucket.name))
    }

    private struct DeleteBucket: RESTXMLOperation {
        static let service = S3.service
        static let retrySafety = RetrySafety<Self>.harmless
        var bucket: String
        typealias Output = NoOutput
        func encode(into request: inout HTTPRequest) throws {
            request.method = .delete
            request.path = "/\(bucket)"
        }
        func decode(_ response: HTTPResponse) throws -> NoOutput { NoOutput() }
    }
}

extension AWSClient {
    func everything<O: PagedOperation>(_ operation: O) async throws -> [O.Item] {
        var found: [O.Item] = []
        for try await item in items(of: operation) { found.append(item) }
        return found
    }

    /// An AMI of a disk of 1 GiB with one block in it, without any tag.
    func makeCapturedImage(_ name: String) async throws -> CapturedImage {
        let snapshot = try await makeSnapshot()
        let id = try await makeImage(name, of: snapshot)
        return CapturedImage(id: id, name: name, snapshotID: snapshot, volumeGiB: 1)
    }
}
