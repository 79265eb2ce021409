import Foundation

/// Measures what the project promises of its AWS client: `make bench-aws`. Each part runs in a process of its own, so
/// that its peak memory is its own.
@main
struct Bench {
    static func main() async {
        do {
            try await measure()
        } catch {
            FileHandle.standardError.write(Data("\(CommandLine.arguments.joined(separator: " ")): \(error)\n".utf8))
            exit(EXIT_FAILURE)
        }
    }

    private static func measure() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "serve": try AnsweringServer.run()
        case "serve-account":
            try AccountServer.run(
                images: Int(arguments.dropFirst().first ?? "")!, objects: Int(arguments.last ?? "")!)
        case "list-assets":
            let (time, memory) = try WholeProgram(port: arguments[arguments.startIndex + 1]).listing(
                Int(arguments.last ?? "")!)
            print(time, memory)
        case "assets": try assets()
        case nil: try await all()
        case "memory": for figure in try await InMemory.figures() { say(figure.line) }
        case let part?: try await run(part, port: Int(arguments.dropFirst().first ?? "") ?? 0, arguments.last ?? "")
        }
    }

    private static func all() async throws {
        for figure in try await InMemory.figures() { say(figure.line) }
        try assets()
        // In memory, so that it is not the disk that is measured; 2 GB are needed.
        let parent = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let folder = URL(filePath: parent).appending(path: "dss-bench-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try fill(folder.appending(path: "two-gigabytes"))
        let server = try Child(["serve"])
        defer { server.end() }
        let port = try server.firstLine()
        let place = [port, folder.path()]
        for part in ["calls", "list"] { say(try Child([part] + place).output().trimmingCharacters(in: .newlines)) }
        try compare("upload", "bare-upload", place)
    }

    /// The whole program, where it was built too: a large account, one of a tenth of the largest, and the largest.
    private static func assets() throws {
        guard WholeProgram.isBuilt else { return say("show-aws-assets is not measured: dss was not built") }
        let (time, _) = try listing(images: 2000, objects: 5000, runs: 9)
        say(Figure(name: "show 2,000 AMIs, 5,000 objects", value: time, unit: "ms", limit: 400).line)
        let (tenth, _) = try listing(images: 2000, objects: 10_000, runs: 5)
        let (all, memory) = try listing(images: 20_000, objects: 100_000, runs: 3)
        say(Figure(name: "show 20,000 AMIs, 100,000 objects", value: all, unit: "ms").line)
        say(Figure(name: "show: time by that of a tenth", value: all / tenth, unit: "x", limit: 11).line)
        say(Figure(name: "show: memory", value: memory, unit: "MB", limit: 200).line)
    }

    private static func listing(images: Int, objects: Int, runs: Int) throws -> (time: Double, memory: Double) {
        let server = try Child(["serve-account", "\(images)", "\(objects)"])
        defer { server.end() }
        let figures = try Child(["list-assets", try server.firstLine(), "\(runs)"]).figures()
        return (figures[0], figures[1])
    }

    /// Three pairs, one after the other, so that a slow minute of the machine hits both.
    private static func compare(_ ours: String, _ bare: String, _ place: [String]) throws {
        var pairs: [(ours: Double, bare: Double, memory: Double)] = []
        for _ in 0..<3 {
            let bare = try Child([bare] + place).figures()
            let ours = try Child([ours] + place).figures()
            pairs.append((ours[0], bare[0], ours[1]))
        }
        let middle = pairs.sorted { $0.ours / $0.bare < $1.ours / $1.bare }[1]
        say(Figure(name: "\(ours) 2 GB", value: middle.ours, unit: "ms").line)
        say(Figure(name: "\(ours) 2 GB, bare", value: middle.bare, unit: "ms").line)
        say(Figure(name: "\(ours) 2 GB, ratio", value: middle.ours / middle.bare, unit: "x", limit: 1.3).line)
        say(Figure(name: "\(ours) 2 GB, memory", value: pairs.map(\.memory).max()!, unit: "MB", limit: 150).line)
    }

    private static func run(_ part: String, port: Int, _ folder: String) async throws {
        let loopback = OverLoopback(port: port, folder: folder)
        switch part {
        case "calls": for figure in try await loopback.calls() { say(figure.line) }
        case "list": for figure in try await loopback.listing() { say(figure.line) }
        case "upload": print(try await loopback.upload(), peakMemory())
        case "bare-upload": print(try await loopback.bareUpload(), peakMemory())
        default: fatalError("there is no part '\(part)'")
        }
    }

    /// Prints a line at once, also into a pipe.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private static func fill(_ file: URL) throws {
        try Data().write(to: file)
        let handle = try FileHandle(forWritingTo: file)
        for _ in 0..<AnsweringServer.blocks { try handle.write(contentsOf: Data(AnsweringServer.block)) }
        try handle.close()
    }
}

/// This program in another role.
private struct Child {
    private let process = Process()
    private let pipe = Pipe()
    private let input = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(filePath: "/proc/self/exe")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardInput = input
        try process.run()
    }

    func firstLine() throws -> String {
        String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    func output() throws -> String {
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return String(decoding: data, as: UTF8.self)
    }

    /// Milliseconds and megabytes.
    func figures() throws -> [Double] {
        try output().split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }

    func end() { kill(process.processIdentifier, SIGKILL) }
}
