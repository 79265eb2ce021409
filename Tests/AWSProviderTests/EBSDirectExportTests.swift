import AWSCore
import AWSServices
import AWSTestSupport
import DiskImages
import Foundation
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import AWSProvider

extension ImageSuites {
    @Suite("export by EBS direct")
    struct EBSDirectExportTests {
        @Test("all formats are in the bucket, and each is the disk")
        func whole() async throws {
            try await with { lab in
                let formats: [ImageFormat] = [.vhd, .vmdk, .qcow2, .ova]
                let undo = Undo()
                let names = Names()
                let artifacts = try await lab.export(formats, in: Scope(undo, events: names.sink))
                #expect(artifacts.map(\.format) == formats)
                for artifact in artifacts {
                    let name = "sandbox-1.0.\(artifact.format.rawValue)"
                    #expect(artifact.name == name)
                    let file = "\(lab.account.home)/\(name)"
                    let get = S3.GetObject(bucket: lab.bucket.name, key: "data_science_sandbox/1.0/\(name)")
                    let body = try await lab.account.client().call(get).body
                    #expect(body.count == Int(artifact.bytes))
                    try Data(body).write(to: URL(filePath: file))
                    #expect(try sha256(of: file) == artifact.sha256)
                    guard artifact.format != .ova else { continue }
                    let driver = Conversion.driver(of: artifact.format)
                    #expect(try await lab.disk.isSame(as: file, format: driver), "\(name)")
                }
                let head = try await S3ArtifactStore(lab.account.client(), lab.bucket)
                    .object("data_science_sandbox/1.0/sandbox-1.0.vhd")
                #expect(head?.metadata["dss-image"] == lab.image.id && head?.cacheControl == "no-cache")
                #expect(names.all.isSuperset(of: ["read snapshot", "convert vmdk, ova", "convert vhd", "upload ova"]))
                #expect(await undo.unwind() == [])
                #expect(try lab.workFiles().isEmpty)
                #expect(try await lab.keys().count == 4)
            }
        }

        @Test("formats finished before a failed upload stay, and nothing else")
        func oneFails() async throws {
            try await with { lab in
                try await Scope.run(keepsOnSuccess: true) { _ = try await lab.export([.vhd], in: $0) }
                try await lab.account.order("denied", "PutObject", ["times": NSNull()])
                let error = await #expect(throws: AWSError.self) {
                    try await Scope.run(keepsOnSuccess: true) { _ = try await lab.export([.vmdk, .qcow2], in: $0) }
                }
                #expect(error?.kind == .denied)
                #expect(try await lab.keys() == ["data_science_sandbox/1.0/sandbox-1.0.vhd"])
                #expect(try lab.workFiles().isEmpty)
            }
        }

        @Test("cancellation leaves nothing behind, locally or on AWS", arguments: ["GetSnapshotBlock", "PutObject"])
        func cancelled(during action: String) async throws {
            try await with { lab in
                try await lab.account.order("slow", action, ["seconds": 1, "times": NSNull()])
                let task = Task {
                    try await Scope.run(keepsOnSuccess: true) { _ = try await lab.export([.vhd, .vmdk], in: $0) }
                }
                while try await !lab.account.hasMet(action) { try await Task.sleep(for: .milliseconds(20)) }
                task.cancel()
                await #expect(throws: (any Error).self) { try await task.value }
                #expect(try lab.workFiles().isEmpty)
                #expect(try await lab.account.client().call(S3.ListMultipartUploads(bucket: "images")).uploads.isEmpty)
            }
        }

        @Test("a second export of a snapshot at the same time is refused and changes nothing")
        func locked() async throws {
            try await with { lab in
                let folder = "\(lab.work)/\(lab.image.snapshotID)"
                try makeDirectory(folder)
                let lock = try FileLock("\(folder)/lock", holder: "somebody else")
                await #expect(throws: LockHeld.self) {
                    try await Scope.run(keepsOnSuccess: true) { _ = try await lab.export([.vhd], in: $0) }
                }
                #expect(try lab.workFiles() == [lab.image.snapshotID])
                withExtendedLifetime(lock) {}
            }
        }

        private func with(_ body: (MachineFixture) async throws -> Void) async throws {
            try await ImageAccount.with { account in
                _ = try await account.client().call(CreateBucket())
                let image = try await account.upload()
                try makeDirectory("\(account.home)/work")
                let disk = try TestDisk("\(account.home)/1.0.raw")
                try await body(MachineFixture(account: account, image: image, disk: disk))
            }
        }
    }

    struct MachineFixture: Sendable {
        let account: ImageAccount
        let image: CapturedImage
        let disk: TestDisk
        let bucket = ImageBucket(name: "images", exportRole: "role", domain: "d1.cloudfront.net")

        var work: String { "\(account.home)/work" }

        func export(_ formats: [ImageFormat], in scope: Scope) async throws -> [Manifest.File] {
            let workspace = try account.workspace()
            let export = EBSDirectExport(
                workspace, to: S3ArtifactStore(workspace.client, bucket), workDirectory: work,
                runner: SystemCommandRunner())
            let order = BuildOrder(
                assetID: try AssetID("1.0"),
                definition: SandboxDefinition(
                    name: "sandbox", version: "1.0", playbook: .init(file: "/p", pins: "/q", roles: [])),
                password: nil)
            let published = Replacement(of: nil, in: AssetFolder(export.store, order.assetID, under: ""))
            return try await export.run(
                image, formats: formats, in: BuildContext(order, scope), replacing: published)
        }

        func workFiles() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: work) }

        func keys() async throws -> [String] {
            try await account.client().call(S3.ListObjectsV2(bucket: bucket.name)).contents.map(\.key)
        }
    }
}

@Suite("rules of the export by EBS direct")
struct EBSDirectRulesTests {
    @Test("an OVA and the VMDK in it are made in one go, the others beside it")
    func groups() {
        #expect(EBSDirectExport.groups(of: [.vhd, .ova, .raw, .vmdk]) == [[.ova, .vmdk], [.vhd], [.raw]])
        #expect(EBSDirectExport.groups(of: [.qcow2]) == [[.qcow2]])
    }

    @Test("a disk that a format cannot hold is refused before anything is read")
    func limits() throws {
        try ScratchSpace.checkLimits(of: [.vhd, .raw], volumeGiB: 2040)
        try ScratchSpace.checkLimits(of: [.raw, .qcow2], volumeGiB: 16384)
        let failure = #expect(throws: Failure.self) { try ScratchSpace.checkLimits(of: [.vhd], volumeGiB: 2041) }
        #expect(failure?.code == .badData)
    }

    @Test("too little space for the raw file and each format is reported with --work-dir")
    func room() throws {
        #expect(ScratchSpace.needed([.raw], dataBytes: 1000) == 1000)
        #expect(ScratchSpace.needed([.vhd], dataBytes: 1000) == 2100)
        #expect(ScratchSpace.needed([.vmdk, .ova], dataBytes: 1000) == 2400)
        #expect(ScratchSpace.needed([.vhdFixed, .gcp], dataBytes: 1000) == 2700)
        let room = ScratchSpace(folder: "/tmp", file: "/tmp/none.raw")
        let failure = #expect(throws: Failure.self) { try room.check([.vhd], dataBytes: 1 << 60) }
        #expect(failure?.code == .temporary && failure?.advice?.contains("--work-dir") == true)
    }

    @Test("one line tells of all formats")
    func meter() {
        let groups: [[ImageFormat]] = [[.vmdk, .ova], [.vhd]]
        let progress = ExportProgress.progress(
            groups, [[.vhd]: "vhd upload 40 %"], [[.vhd]: 0.7, [.vmdk, .ova]: 0.1])
        #expect(progress.activity == "vmdk wait · ova wait · vhd upload 40 %")
        #expect(progress.completed == 30)
    }
}

private struct CreateBucket: RESTXMLOperation {
    static let service = S3.service
    static let retrySafety = RetrySafety<Self>.never

    func encode(into request: inout HTTPRequest) throws {
        request.method = .put
        request.path = "/images"
        request.body = Array(
            "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"
                .utf8)
    }

    func decode(_ response: HTTPResponse) throws -> NoOutput { NoOutput() }
}

/// Activities as they began.
private final class Names: Sendable {
    private let names: Mutex<Set<String>> = Mutex([])
    var all: Set<String> { names.withLock { $0 } }
    var sink: EventSink {
        { [self] event in
            if case .activityStarted(let name) = event { _ = names.withLock { $0.insert(name) } }
        }
    }
}
