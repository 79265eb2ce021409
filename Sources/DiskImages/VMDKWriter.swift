import CDeflate
import Dispatch
import Glibc
import Sandbox
import Synchronization
import Workbench

/// Writes a raw disk as a streamOptimized VMDK, compressed by all processors.
///
/// QEMU's driver compresses in one thread, which made this the slowest part of a build, and names the temporary file in
/// the image. The file depends on the disk and its name only, not on the number of processors.
struct VMDKWriter: Sendable {
    let processors: Int

    /// - Parameters:
    ///   - path: a file that does not exist yet; the caller removes it after an error.
    ///   - fileName: the name that the file will have when it is finished.
    ///   - progress: called with the completed fraction.
    func write(
        _ raw: RawDisk, to path: String, fileName: String, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws {
        let (source, target) = (try OpenFile(raw.path, O_RDONLY), try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL))
        let runs = Self.runs(of: try CompareRange.dataExtents(of: raw.path))
        let output = VMDKOutput(
            target, layout: StreamVMDK(fileName: fileName, bytes: raw.virtualBytes), runs: runs,
            window: 4 * processors, progress: progress)
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<min(processors, runs.count) {
                    group.addTask { try await inBackground { output.compress(source) } }
                }
                try await group.waitForAll()
            }
        } onCancel: {
            output.stop(CancellationError())
        }
        try output.finish()
    }

    /// The numbers of the runs of grains that may contain data, ascending.
    static func runs(of extents: [Range<Int64>]) -> [Int] {
        var runs: [Int] = []
        for extent in extents where !extent.isEmpty {
            let (first, last) = (Int(extent.lowerBound), Int(extent.upperBound - 1))
            let start = max(first / GrainCompressor.runBytes, runs.last.map { $0 + 1 } ?? 0)
            let end = last / GrainCompressor.runBytes
            if start <= end { runs += start...end }
        }
        return runs
    }
}

private final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    init(_ path: String, _ flags: Int32) throws {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(flags & O_CREAT == 0 ? "read" : "write", path) }
    }

    deinit { close(descriptor) }
}

/// The file of a VMDK, to which several threads deliver compressed grains. They are written in the order of the disk.
private final class VMDKOutput: Sendable {
    private struct State {
        /// Index in `runs` of the next one to compress, and of the next one to write.
        var next = 0
        var written = 0
        /// Finished before an earlier one.
        var waiting: [Int: GrainCompressor.Run] = [:]
        var sector = StreamVMDK.headBytes / StreamVMDK.sectorBytes
        var directory: [UInt32]
        /// The grain table that is being filled.
        var table: (number: Int, entries: [UInt32])?
        /// CRC-32 of the compressed grains with their markers, which contain their positions on the disk.
        var checksum: UInt32 = 0
        var error: (any Error)?
    }

    private let file: OpenFile
    private let layout: StreamVMDK
    private let runs: [Int]
    private let progress: @Sendable (Double) -> Void
    private let state: Mutex<State>
    /// Permits for runs that are compressed or wait to be written; they bound the memory.
    private let window = DispatchSemaphore(value: 0)

    init(
        _ file: OpenFile, layout: StreamVMDK, runs: [Int], window count: Int,
        progress: @escaping @Sendable (Double) -> Void
    ) {
        self.file = file
        self.layout = layout
        self.runs = runs
        self.progress = progress
        state = Mutex(State(directory: [UInt32](repeating: 0, count: layout.tableCount)))
        // Permits are added here, because a semaphore may not be released with fewer than it was created with.
        for _ in 0..<count { window.signal() }
    }
    /// Compresses runs until none is left; called by each thread.
    func compress(_ source: OpenFile) {
        let compressor = GrainCompressor()
        while let index = nextRun() {
            do {
                try deliver(try compressor.compress(run: runs[index], of: source.descriptor, source.path), index)
            } catch { stop(error) }
        }
    }

    /// Ends all threads after their current run.
    func stop(_ error: any Error) {
        state.withLock { $0.error = $0.error ?? error }
        window.signal()
    }

    /// Writes what comes after the grains, and the head, which contains a checksum of them.
    func finish() throws {
        try state.withLock { state in
            if let error = state.error { throw error }
            try writeTable(&state)
            try append(layout.tail(directory: state.directory, atSector: state.sector), &state)
            try write(layout.head(checksum: state.checksum), at: 0)
        }
    }

    private func nextRun() -> Int? {
        window.wait()
        let index = state.withLock { state -> Int? in
            guard state.error == nil, state.next < runs.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        // The next thread that waits for a permit has to end, too.
        if index == nil { window.signal() }
        return index
    }

    /// Writes a run and those that waited for it, or keeps it until its turn.
    private func deliver(_ run: GrainCompressor.Run, _ index: Int) throws {
        let done = try state.withLock { state in
            guard state.error == nil else { return 0.0 }
            state.waiting[index] = run
            while let run = state.waiting.removeValue(forKey: state.written) {
                try write(run, &state)
                state.written += 1
                window.signal()
            }
            return Double(state.written) / Double(runs.count)
        }
        progress(done)
    }

    private func write(_ run: GrainCompressor.Run, _ state: inout State) throws {
        guard let first = run.grains.first else { return }
        // A table is a multiple of a run, so all grains of a run are in the same table.
        let number = first.number / StreamVMDK.entriesPerTable
        if state.table?.number != number {
            try writeTable(&state)
            state.table = (number, [UInt32](repeating: 0, count: StreamVMDK.entriesPerTable))
        }
        for grain in run.grains {
            state.table?.entries[grain.number % StreamVMDK.entriesPerTable] = UInt32(state.sector + grain.sector)
        }
        state.checksum = run.bytes.withUnsafeBytes { libdeflate_crc32(state.checksum, $0.baseAddress, $0.count) }
        try append(run.bytes, &state)
    }

    private func writeTable(_ state: inout State) throws {
        guard let table = state.table else { return }
        // Behind the marker, which is one sector.
        state.directory[table.number] = UInt32(state.sector + 1)
        try append(layout.table(table.entries), &state)
        state.table = nil
    }

    private func append(_ bytes: [UInt8], _ state: inout State) throws {
        try write(bytes, at: state.sector * StreamVMDK.sectorBytes)
        state.sector += bytes.count / StreamVMDK.sectorBytes
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(file.descriptor, $0.baseAddress! + done, $0.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("write", file.path) }
            done += count
        }
    }
}
