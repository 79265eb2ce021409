import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Testing
import Workbench

/// All suites that share the emulator of `ImageAccount`, one test at a time.
@Suite("images on AWS", .serialized, .timeLimit(.minutes(10)))
enum ImageSuites {}

/// An account whose snapshots and images are counted, and somebody who works on them with the real program.
struct ImageAccount: Sendable {
    let home: String
    let emulator: AWSEmulator
    let transport: any Transport

    static func with(knobs: [String: Any] = [:], _ body: (ImageAccount) async throws -> Void) async throws {
        let standard: [String: Any] = ["ami_polls": 0]
        try await AWSEmulator.with(knobs: standard.merging(knobs) { $1 }) { emulator in
            try await withTemporaryDirectory { home in
                try await withHTTPTransport { transport in
                    try await body(ImageAccount(home: home, emulator: emulator, transport: transport))
                }
            }
        }
    }

    func client(
        _ region: String = "eu-central-1", over other: (any Transport)? = nil, attempts: Int = 8
    ) -> AWSClient {
        emulator.client(
            other ?? transport, region: region,
            backoff: Backoff(
                attempts: attempts, first: .milliseconds(1), firstWhenThrottled: .milliseconds(1),
                longest: .milliseconds(5)))
    }

    func workspace(_ id: String = "1.0", client: AWSClient? = nil) throws -> AWSWorkspace {
        AWSWorkspace(
            client ?? self.client(), try AssetID(id), names: .init(),
            polling: PollingPolicy(first: .milliseconds(1), longest: .milliseconds(5)))
    }

    // The program

    @discardableResult
    func dss(_ arguments: String...) async throws -> ProgramOutput { try await run(arguments) }

    func run(_ arguments: [String]) async throws -> ProgramOutput {
        try await Program.run(arguments, environment, in: home)
    }

    /// Starts the program, sends it a signal as soon as `moment` has come, and waits for its end.
    func dss(
        _ arguments: String..., signal: Int32, at moment: () async throws -> Bool
    ) async throws -> (code: Int32, errors: String) {
        try await run(arguments, signal: signal, at: moment)
    }

    func run(
        _ arguments: [String], signal: Int32, at moment: () async throws -> Bool
    ) async throws -> (code: Int32, errors: String) {
        let program = Process()
        program.executableURL = URL(filePath: "/usr/bin/env")
        program.arguments = Program.command(arguments, environment).arguments
        program.currentDirectoryURL = URL(filePath: home)
        let log = "\(home)/errors"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        program.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        program.standardOutput = FileHandle.nullDevice
        try program.run()
        while program.isRunning, try await !moment() { try await Task.sleep(for: .milliseconds(20)) }
        kill(program.processIdentifier, signal)
        while program.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        return (program.terminationStatus, try readText(log))
    }

    private var environment: [String: String] {
        emulator.environment(home: home).merging(["AWS_POLL_DELAY_SECONDS": "0.05"]) { $1 }
    }

    // The account

    func order(_ kind: String, _ action: String, _ more: [String: Any] = [:]) async throws {
        let fault: [String: Any] = ["kind": kind, "action": "^\(action)$"]
        try await emulator.control(["faults": [fault.merging(more) { $1 }]])
    }

    func set(_ knobs: [String: Any]) async throws { try await emulator.control(["knobs": knobs]) }

    func clear(_ what: String...) async throws { try await emulator.control(["clear": what]) }

    /// The operations that were done, in order.
    func calls() async throws -> [String] { try await emulator.appliedCalls() }

    func count(_ action: String) async throws -> Int { try await emulator.count(action) }

    func images(_ region: String = "eu-central-1") async throws -> [EC2.Image] {
        try await client(region).call(EC2.DescribeImages(owners: ["self"])).images
    }

    func snapshots(_ region: String = "eu-central-1") async throws -> [EC2.Snapshot] {
        try await client(region).call(EC2.DescribeSnapshots(ownerIds: ["self"])).snapshots
    }

    /// An image of the asset id, made of a disk of a few blocks.
    func upload(_ id: String = "1.0") async throws -> CapturedImage {
        let disk = try TestDisk("\(home)/\(id).raw")
        let workspace = try workspace(id)
        let upload = VMUpload(
            workspace, ImageRegistration(workspace, name: workspace.imageName, traits: try ImageTraits()))
        return try await upload.run(disk.path, in: Scope())
    }
}

/// A raw disk of 300 MiB and a bit, mostly holes, with the mark of a boot sector.
struct TestDisk {
    let path: String
    /// Blocks of 512 KiB with data in them.
    let blocks: [Int]

    static let size = 300 << 20 | 1536

    /// - Parameter seed: another one gives another content.
    init(_ path: String, blocks: [Int] = [0, 1, 2, 100, 101, 333, 600], seed: UInt8 = 1) throws {
        self.path = path
        self.blocks = blocks
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forUpdating: URL(filePath: path))
        for index in blocks {
            // Not the whole block, and none the same as another.
            try file.seek(toOffset: UInt64(index * EBS.blockSize))
            let line = Data("\(seed) block \(index) ".utf8)
            try file.write(contentsOf: Data((0..<50).flatMap { _ in line }).prefix(1024))
        }
        try file.seek(toOffset: 510)
        try file.write(contentsOf: Data([0x55, 0xaa]))
        // Data for the file system, and zeros all the same.
        try file.seek(toOffset: UInt64(200 * EBS.blockSize))
        try file.write(contentsOf: Data(count: EBS.blockSize))
        try file.truncate(atOffset: UInt64(Self.size))
        try file.close()
    }

    /// Whether a file has the same bytes, and zeros behind them.
    func isSame(as other: String, format: String = "raw") async throws -> Bool {
        let command = Command("qemu-img", ["compare", "-f", "raw", "-F", format, path, other])
        return try await SystemCommandRunner().execute(command).status.isSuccess
    }
}
