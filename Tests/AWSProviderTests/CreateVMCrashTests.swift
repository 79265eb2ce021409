import AWSTestSupport
import Foundation
import Synchronization
import Testing
import Workbench

/// A build whose client is killed at any of its calls leaves nothing that cannot be removed, and nothing that stands in
/// the way of the next.
@Suite("create-vm on AWS, killed at its calls", .serialized, .timeLimit(.minutes(90)))
struct CreateVMCrashTests {
    /// A moment of a build: before or after the nth call has taken effect.
    struct Point: Sendable {
        var call: Int
        var hasTakenEffect: Bool
    }

    enum Method: String {
        case vmExport = "vm-export"
        case ebsDirect = "ebs-direct"

        /// Up to the export both are the same.
        func isOwn(_ call: String) -> Bool { self == .vmExport || call.hasPrefix("ebs:") }
    }

    /// All of them take long; `DSS_EVERY_CRASH=1` does.
    static let stride = ProcessInfo.processInfo.environment["DSS_EVERY_CRASH"] == "1" ? 1 : 13

    @Test(
        "removal leaves an empty account; building again finishes, and each thing exists once",
        arguments: [Method.vmExport, .ebsDirect])
    func everyCall(method: Method) async throws {
        let (calls, finished) = try await CreateVMBuilder.with { builder in
            let before = try await builder.census()
            let said = try await builder.createVM("clean", "--export-method", method.rawValue)
            try #require(said.status == .exited(0), "\(said.standardError)")
            let calls = try await builder.calls()
            return (calls, AccountContents(of: "clean", in: try await builder.census(), since: before))
        }
        try #require(finished.isWhole, "\(finished)")
        let first = try #require(calls.firstIndex(where: method.isOwn))
        let points = (first..<calls.count).flatMap {
            [Point(call: $0, hasTakenEffect: false), Point(call: $0, hasTakenEffect: true)]
        }
        let lanes = 2
        let tried = points.enumerated().filter { $0.offset % Self.stride == 0 }.map(\.element)
        let log = CrashLog()
        try await withThrowingTaskGroup { group in
            for lane in 0..<lanes {
                let own = tried.enumerated().filter { $0.offset % lanes == lane }.map(\.element)
                group.addTask {
                    try await CreateVMBuilder.with { builder in
                        for point in own { try await Crash(builder, method, point, calls, finished, log).examine() }
                    }
                }
            }
            try await group.waitForAll()
        }
        print("\(method.rawValue): \(log.summary(of: calls.count))")
        #expect(log.troubles.isEmpty, "\(log.troubles.joined(separator: "\n"))")
    }
}

/// What a build has made, without the ids that AWS gives out.
struct AccountContents: Equatable, CustomStringConvertible {
    var names: [String: [String]]

    init(of assetID: String, in census: [String: [String]], since before: [String: [String]]) {
        names = census.reduce(into: [:]) { names, entry in
            let new = entry.value.filter { !(before[entry.key] ?? []).contains($0) }
            if !new.isEmpty { names[entry.key] = new.map { Self.plain($0, assetID) }.sorted() }
        }
    }

    /// One image with one snapshot and the objects, and nothing that goes with the build.
    var isWhole: Bool {
        Set(names.keys) == ["images", "snapshots", "objects"] && names["images"]?.count == 1
            && names["snapshots"]?.count == 1
    }

    var isEmpty: Bool { names.isEmpty }
    var description: String {
        names.map { "\($0.key): \($0.value.joined(separator: ", "))" }.sorted().joined(separator: "; ")
    }

    /// Without the region or the bucket, and without sizes, which differ where an id stands in a text.
    private static func plain(_ name: String, _ assetID: String) -> String {
        let words = name.replacing(assetID, with: "<id>").split(separator: " ").dropFirst()
        return words.filter { $0.firstMatch(of: /^(ami|snap)-[0-9a-f]+$|^\d+$/) == nil }.joined(separator: " ")
    }
}

/// One crash, its removal, and its repair.
struct Crash {
    private let builder: CreateVMBuilder
    private let method: CreateVMCrashTests.Method
    private let point: CreateVMCrashTests.Point
    private let calls: [String]
    private let finished: AccountContents
    private let log: CrashLog

    init(
        _ builder: CreateVMBuilder, _ method: CreateVMCrashTests.Method, _ point: CreateVMCrashTests.Point,
        _ calls: [String], _ finished: AccountContents, _ log: CrashLog
    ) {
        (self.builder, self.method, self.point) = (builder, method, point)
        (self.calls, self.finished, self.log) = (calls, finished, log)
    }

    func examine() async throws {
        let before = try await builder.census()
        let id = "\(point.hasTakenEffect ? "after" : "before").\(point.call)"
        guard try await crash(id) else { return }
        try await remove(id, before)

        let middle = try await builder.census()
        guard try await crash("\(id).again") else { return }
        let again = try await builder.createVM("\(id).again", "--export-method", method.rawValue)
        log.note(
            again.status == .exited(0)
                ? nil : "\(place): building again ended with \(again.status): \(again.standardError)")
        let made = AccountContents(of: "\(id).again", in: try await builder.census(), since: middle)
        log.note(made == finished ? nil : "\(place): after building again there is \(made)")
        try await remove("\(id).again", middle)
    }

    private var place: String {
        "\(point.hasTakenEffect ? "after" : "before") call \(point.call) (\(calls[point.call]))"
    }

    /// - Returns: false where the build was over before it came to that call: the number of looks varies a little.
    private func crash(_ id: String) async throws -> Bool {
        try await builder.orderKill(after: point.call, hasTakenEffect: point.hasTakenEffect)
        let said = try await builder.createVM(id, "--export-method", method.rawValue)
        try await builder.emulator.control(["clear": ["faults", "calls"]])
        if said.status == .exited(0) {
            try await remove(id, [:])
            return false
        }
        let wasKilled = said.status == .signaled(SIGKILL) || said.status == .exited(128 + SIGKILL)
        log.count(wasKilled ? nil : "\(place): the build ended with \(said.status): \(said.standardError)")
        return true
    }

    private func remove(_ id: String, _ before: [String: [String]]) async throws {
        let removed = try await builder.delete(id)
        log.note(
            removed.status == .exited(0)
                ? nil : "\(place): the removal ended with \(removed.status): \(removed.standardError)")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: builder.workDirectory)) ?? []
        log.note(files.isEmpty ? nil : "\(place): left on this machine: \(files)")
        guard !before.isEmpty else { return }
        let left = AccountContents(of: id, in: try await builder.census(), since: before)
        log.left(left, left.isEmpty ? nil : "\(place): left: \(left)")
    }
}

/// What the crashes have shown.
final class CrashLog: Sendable {
    private struct Notes {
        var crashes = 0
        var left = 0
        var troubles: [String] = []
    }

    private let notes = Mutex(Notes())

    var troubles: [String] { notes.withLock { $0.troubles } }

    func count(_ trouble: String?) {
        notes.withLock { $0.crashes += 1 }
        note(trouble)
    }

    func left(_ belongings: AccountContents, _ trouble: String?) {
        notes.withLock { $0.left += belongings.names.values.reduce(0) { $0 + $1.count } }
        note(trouble)
    }

    func note(_ trouble: String?) {
        guard let trouble else { return }
        print(trouble)
        notes.withLock { $0.troubles.append(trouble) }
    }

    func summary(of calls: Int) -> String {
        notes.withLock { notes in
            "calls of a build: \(calls), crashes: \(notes.crashes), assets left: \(notes.left), troubles: \(notes.troubles.count)"
        }
    }
}
