import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Turns one raw disk into all formats at the same time, each checked against it before anybody hears of it.
///
/// The slowest conversion (VMDK, one thread) keeps one processor busy; the others and their checks run beside it.
/// What is left when it ends is its own check, and that is cut into as many parts as there are processors.
package struct ImageConverter: Sendable {
    private let runner: any CommandRunner
    private let processors: Int

    package init(
        runner: any CommandRunner, processors: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        self.runner = runner
        self.processors = processors
    }

    /// Writes `<stem>.<format>` for each format under a temporary name in `directory`; renaming is the caller's,
    /// so that all files of a release appear together.
    /// - Parameter appliance: the machine that an OVA describes.
    /// - Throws: whatever the first format fails with; nothing is left in `directory` then.
    package func convert(
        _ raw: RawDisk, to formats: [ImageFormat], in directory: String, stem: String,
        appliance: Appliance, progress: @escaping ProgressSink = { _ in }
    ) async throws -> [ConvertedImage] {
        let meter = ConversionMeter(formats: formats, sink: progress)
        let job = ConversionJob(
            raw: raw, directory: directory, stem: stem, parts: CompareRange.split(raw, into: processors),
            runner: runner, meter: meter)
        do {
            return try await withThrowingTaskGroup(of: [ConvertedImage].self) { group in
                for format in formats where format != .vmdk && format != .ova {
                    group.addTask { [try await job.image(format)] }
                }
                if formats.contains(.ova) {
                    // The disk inside an OVA is the VMDK, so it is made once.
                    let keepsDisk = formats.contains(.vmdk)
                    group.addTask { try await job.applianceAndDisk(appliance, keepsDisk: keepsDisk) }
                } else if formats.contains(.vmdk) {
                    group.addTask { [try await job.image(.vmdk)] }
                }
                var images: [ConvertedImage] = []
                while let more = try await group.next() { images += more }
                return images.sorted { formats.firstIndex(of: $0.format)! < formats.firstIndex(of: $1.format)! }
            }
        } catch {
            let failure = explainingFullDisk(error, at: "\(directory)/")
            job.removeFiles(of: formats)
            throw failure
        }
    }
}
