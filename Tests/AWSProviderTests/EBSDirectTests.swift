import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Synchronization
import Testing
import Workbench

extension ImageSuites {
    @Suite("raw disk → snapshot → raw disk")
    struct EBSDirectTests {
        @Test("upload and download skip holes")
        func roundTrip() async throws {
            try await with { world in
                #expect(world.blocks.indexes == world.disk.blocks)
                #expect(world.blocks.volumeGiB == 1)
                let shown = Shown()
                let snapshot = try await world.write()
                let back = try await world.download(snapshot).run(with: world.account.client()) { shown.add($0) }
                #expect(try await world.disk.isSame(as: world.target))
                #expect(back.volumeBytes == 1 << 30 && back.dataBytes == world.disk.blocks.count * EBS.blockSize)
                #expect(shown.all.last?.done == shown.all.last?.total)
                #expect(try world.allocated() <= Int64(world.disk.blocks.count * EBS.blockSize))
                #expect(try await world.account.count("PutSnapshotBlock") == world.disk.blocks.count)
                #expect(world.leftovers == ["back.raw", "disk.raw"])
                let made = try await world.account.snapshots()
                #expect(made.count == 1 && made[0].state == "completed" && made[0].volumeSize == 1)
                #expect(made[0].tags.contains(EC2.Tag(key: "exa_dss_id", value: "1.0")))
            }
        }

        @Test("faults of every kind in every call: the same bytes, one snapshot")
        func faults() async throws {
            try await with(blocks: Array(0..<40)) { world in
                let kinds = ["throttle", "500", "reset", "truncate", "applied-then-reset", "html"]
                for kind in kinds {
                    for action in ["PutSnapshotBlock", "GetSnapshotBlock"] {
                        try await world.account.order(kind, action, ["after": 1])
                    }
                    try await world.account.order(kind, "ListSnapshotBlocks")
                }
                for action in ["StartSnapshot", "CompleteSnapshot"] {
                    try await world.account.order("throttle", action)
                    try await world.account.order("applied-then-reset", action)
                }
                let snapshot = try await world.write()
                _ = try await world.download(snapshot).run(with: world.account.client())
                #expect(try await world.disk.isSame(as: world.target))
                #expect(try await world.account.snapshots().count == 1)
            }
        }

        @Test("many pages, and tokens that end in the middle")
        func tokens() async throws {
            try await with(knobs: ["page_size": 15, "block_token_reads": 8], blocks: Array(0..<40)) { world in
                let snapshot = try await world.write()
                var download = world.download(snapshot)
                download.parallel = 2
                _ = try await download.run(with: world.account.client())
                #expect(try await world.disk.isSame(as: world.target))
                #expect(try await world.account.count("ListSnapshotBlocks") > 3)
            }
        }

        @Test("blocks that differ from AWS's checksum are read again")
        func wrongBytes() async throws {
            try await with { world in
                let snapshot = try await world.write()
                let always = Bending(world.account.transport, times: 10_000)
                let error = await #expect(throws: AWSError.self) {
                    try await world.download(snapshot).run(with: world.account.client(over: always))
                }
                #expect(error?.kind == .unexpectedAnswer && error?.message.contains("checksum") == true)
                #expect(!world.leftovers.contains("back.raw"))
                let twice = Bending(world.account.transport, times: 2)
                _ = try await world.download(snapshot).run(with: world.account.client(over: twice))
                #expect(try await world.disk.isSame(as: world.target))
            }
        }

        @Test("blocks that AWS received corrupted are sent again")
        func receivedOthers() async throws {
            try await with { world in
                let twice = Bending(world.account.transport, times: 2, isWriting: true)
                let snapshot = try await world.write(world.account.client(over: twice))
                _ = try await world.download(snapshot).run(with: world.account.client())
                #expect(try await world.disk.isSame(as: world.target))
            }
        }

        @Test("an interrupted read resumes, detects corruption and never mixes snapshots")
        func resume() async throws {
            try await with(blocks: Array(0..<40)) { world in
                let snapshot = try await world.write()
                let file = "\(world.target).part"
                try await world.breakOff(snapshot)
                #expect(world.leftovers == ["back.raw.part", "back.raw.part-journal", "disk.raw"])
                let handle = try FileHandle(forUpdating: URL(filePath: file))
                try handle.write(contentsOf: Data([0]))
                try handle.close()
                try await world.account.clear("faults")
                let shown = Shown()
                let asked = Counting(world.account.transport)
                _ = try await world.download(snapshot).run(with: world.account.client(over: asked)) { shown.add($0) }
                let fetched = asked.paths.count { $0.contains("/blocks/") }
                #expect(fetched > 0 && fetched < 40)
                #expect(shown.all.last?.resumed == (40 - fetched) * EBS.blockSize)
                #expect(try await world.disk.isSame(as: world.target))

                try await world.breakOff(snapshot)
                let other = try TestDisk("\(world.account.home)/other.raw", blocks: [0, 50], seed: 2)
                let blocks = try await DiskBlocks(of: other.path)
                let workspace = try world.account.workspace("2.0")
                let second = try await DiskUpload(workspace, disk: other.path, blocks).run(in: Scope())
                try await world.account.clear("faults")
                _ = try await world.download(second.snapshotID).run(with: world.account.client())
                #expect(try await other.isSame(as: world.target))
            }
        }

        @Test("cancellation is quick and removes what was written", arguments: [false, true])
        func cancel(isWriting: Bool) async throws {
            try await with(blocks: Array(0..<40)) { world in
                let snapshot = isWriting ? "" : try await world.write()
                let action = isWriting ? "PutSnapshotBlock" : "GetSnapshotBlock"
                try await world.account.order("hang", action, ["after": 5, "times": NSNull()])
                let task = Task {
                    if isWriting {
                        try await Scope.run(keepsOnSuccess: true) { _ = try await world.upload().run(in: $0) }
                    } else {
                        _ = try await world.download(snapshot).run(with: world.account.client())
                    }
                }
                while try await world.account.count(action) < 5 { try await Task.sleep(for: .milliseconds(20)) }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(try await world.account.snapshots().count == (isWriting ? 0 : 1))
                #expect(!world.leftovers.contains("back.raw"))
            }
        }

        @Test("concurrent blocks are limited, so that memory stays flat")
        func bounded() async throws {
            try await with(blocks: Array(0..<200)) { world in
                let counting = Counting(world.account.transport)
                let client = world.account.client(over: counting)
                let snapshot = try await world.write(client)
                var download = world.download(snapshot)
                download.parallel = 6
                counting.reset()
                _ = try await download.run(with: client)
                // One more may be asking for the next page.
                #expect(counting.most <= 7 && counting.most > 1)
                #expect(try await world.disk.isSame(as: world.target))
            }
        }

        @Test("a disk that changes while it is written becomes no snapshot")
        func changing() async throws {
            try await with { world in
                let upload = world.upload()
                let handle = try FileHandle(forUpdating: URL(filePath: world.disk.path))
                try handle.seek(toOffset: 600)
                try handle.write(contentsOf: Data("other".utf8))
                try handle.close()
                await #expect(throws: FileChanged.self) {
                    try await Scope.run(keepsOnSuccess: true) { _ = try await upload.run(in: $0) }
                }
                #expect(try await world.account.snapshots().isEmpty)
                #expect(try await world.account.count("CompleteSnapshot") == 0)
            }
        }

        private func with(
            knobs: [String: Any] = [:], blocks: [Int]? = nil, _ body: (World) async throws -> Void
        ) async throws {
            try await ImageAccount.with(knobs: knobs) { account in
                let path = "\(account.home)/disk.raw"
                let disk = try blocks.map { try TestDisk(path, blocks: $0) } ?? TestDisk(path)
                try await body(World(account: account, disk: disk, blocks: try await DiskBlocks(of: path)))
            }
        }
    }

    struct World: Sendable {
        let account: ImageAccount
        let disk: TestDisk
        let blocks: DiskBlocks

        var target: String { "\(account.home)/back.raw" }
        var leftovers: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: account.home)) ?? []).sorted()
        }

        func upload(_ client: AWSClient? = nil) -> DiskUpload {
            DiskUpload(try! account.workspace(client: client), disk: disk.path, blocks)
        }

        func write(_ client: AWSClient? = nil) async throws -> String {
            try await upload(client).run(in: Scope()).snapshotID
        }

        func download(_ snapshot: String) -> SnapshotDownload { SnapshotDownload(snapshot, to: target, parallel: 8) }

        /// Reads until a connection is lost, and gives up then.
        func breakOff(_ snapshot: String) async throws {
            try await account.order("reset", "GetSnapshotBlock", ["after": 20, "times": 99])
            await #expect(throws: AWSError.self) {
                try await download(snapshot).run(with: account.client(attempts: 1))
            }
        }

        func allocated() throws -> Int64 {
            var status = stat()
            stat(target, &status)
            return Int64(status.st_blocks) * 512
        }
    }
}

/// Progress as it was told.
private final class Shown: Sendable {
    private let seen: Mutex<[TransferProgress]> = Mutex([])
    var all: [TransferProgress] { seen.withLock { $0 } }
    func add(_ progress: TransferProgress) { seen.withLock { $0.append(progress) } }
}

/// Bends a bit of some blocks on their way here, or what AWS says of those that it has received.
private final class Bending: Transport {
    private let transport: any Transport
    private let isWriting: Bool
    private let times: Mutex<Int>

    init(_ transport: any Transport, times: Int, isWriting: Bool = false) {
        self.transport = transport
        self.isWriting = isWriting
        self.times = Mutex(times)
    }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        var response = try await transport.send(request, within: limit)
        let size = isWriting ? request.body.count : response.body.count
        guard size == EBS.blockSize, isTurn else { return response }
        if isWriting {
            response.headers = response.headers.map {
                $0.name.lowercased() == "x-amz-checksum" ? .init($0.name, "other") : $0
            }
        } else {
            response.body[500] ^= 1
        }
        return response
    }

    private var isTurn: Bool {
        times.withLock {
            $0 -= 1
            return $0 >= 0
        }
    }
}

/// Counts what is under way at the same time, and keeps what was asked for.
private final class Counting: Transport {
    private let transport: any Transport
    private let counts = Mutex((now: 0, most: 0))
    private let asked: Mutex<Set<String>> = Mutex([])

    init(_ transport: any Transport) { self.transport = transport }

    var most: Int { counts.withLock { $0.most } }
    var paths: Set<String> { asked.withLock { $0 } }

    func reset() { counts.withLock { $0.most = 0 } }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        _ = asked.withLock { $0.insert(request.path) }
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
        defer { counts.withLock { $0.now -= 1 } }
        return try await transport.send(request, within: limit)
    }
}
