import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import DiskImages

/// Measures with a full-size root file system: `DSS_FULL_ROOT=DIR DSS_FULL_OUT=DIR swift test --filter FullSize`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSS_FULL_ROOT"] != nil))
struct FullSizeTests {
    let root = ProcessInfo.processInfo.environment["DSS_FULL_ROOT"] ?? ""
    let out = ProcessInfo.processInfo.environment["DSS_FULL_OUT"] ?? ""
    var formats: [ImageFormat] {
        (ProcessInfo.processInfo.environment["DSS_FULL_FORMATS"] ?? "vhd,vmdk").split(separator: ",")
            .compactMap { ImageFormat(rawValue: String($0)) }
    }

    @Test func diskAndFormats() async throws {
        let log = ProgressLog()
        var stopwatch = Stopwatch(ContinuousClock())
        _ = try SpaceUsage(measuring: root)
        print("measure  \(stopwatch.seconds)")
        stopwatch = Stopwatch(ContinuousClock())
        let raw = try await DiskWriter(runner: runner).write(
            root, to: "\(out)/full.raw", sizeMiB: 8192, progress: log.sink)
        print("disk     \(stopwatch.seconds)")
        stopwatch = Stopwatch(ContinuousClock())
        let images = try await ImageConverter(runner: runner).convert(
            raw, to: formats, in: out, stem: "full", appliance: Appliance(name: "sandbox", version: "1"),
            progress: { [stopwatch] progress in
                log.sink(progress)
                if progress.activity.contains("check") { print(stopwatch.seconds, progress.activity) }
            })
        print("formats  \(stopwatch.seconds)", images.map { "\($0.file.format) \($0.file.bytes >> 20) MiB" })
        for image in images {
            stopwatch = Stopwatch(ContinuousClock())
            #expect(try sha256(of: image.temporaryPath) == image.file.sha256)
            print("hash     \(image.file.format) \(stopwatch.seconds)")
            try FileManager.default.moveItem(atPath: image.temporaryPath, toPath: "\(out)/\(image.file.name)")
        }
    }
}

/// Boots full-size exported images until SSH answers: `DSS_FULL_BOOT=FILE,FILE`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSS_FULL_BOOT"] != nil))
struct FullSizeBootTests {
    @Test func everyHardware() async throws {
        let files = (ProcessInfo.processInfo.environment["DSS_FULL_BOOT"] ?? "").split(separator: ",").map(String.init)
        for (index, hardware) in Hardware.allCases.enumerated() {
            let file = files[index % files.count]
            let host = try await QemuGuestHost(
                image: file, on: hardware, options: .init(assetID: "full-size"), runner: runner)
            let stopwatch = Stopwatch(ContinuousClock())
            try await host.withGuest("full") { address in
                while stopwatch.seconds < 240 {
                    let answer = try await runner.execute(
                        Command("ssh-keyscan", ["-T", "3", "-p", "\(address.sshPort)", address.host]))
                    if answer.standardOutput.contains("ssh-ed25519") {
                        print("boot     \(host.hardware) \(file) \(Int(stopwatch.seconds)) s")
                        return
                    }
                    try await Task.sleep(for: .seconds(1))
                }
                Issue.record("\(host.hardware): no SSH: \(tail(of: address.consoleLog))")
            }
        }
    }
}
