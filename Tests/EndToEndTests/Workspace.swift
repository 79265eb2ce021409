import Foundation
import Workbench

/// Folders of their own for a series of `dss` calls, and the calls themselves, on the binary that was just built.
struct Workspace: Sendable {
    let root: String
    /// Shared by all tests, so that the base system is built once.
    let cache: String
    let definition: String

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()
    static let binary = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path()
    static let isRoot = geteuid() == 0
    static let needsRoot = "builds a machine, which needs root"

    /// Gives `body` a workspace under /var/tmp, because a disk image wants more room than a memory file system may have.
    static func with<Result>(
        definition: String = repository + "sandbox.yaml", _ body: (Workspace) async throws -> Result
    ) async throws -> Result {
        let cache = ProcessInfo.processInfo.environment["DSS_TEST_CACHE"] ?? "/var/tmp/dss-test-cache"
        try makeDirectory(cache)
        return try await withTemporaryDirectory(in: "/var/tmp") { root in
            try await body(Workspace(root: root, cache: cache, definition: definition))
        }
    }

    var dss: String {
        let beside = Self.binary + "dss"
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : Self.repository + ".build/debug/dss"
    }

    /// A call with this workspace's folders.
    func command(_ arguments: [String], environment: [String: String?] = [:]) -> Command {
        let places = ["DSS_BUCKET": "\(root)/bucket", "DSS_CACHE": cache, "DSS_STATE": "\(root)/state"]
        return Command(
            dss, arguments, environment: places.mapValues { Optional($0) }.merging(environment) { $1 },
            workingDirectory: URL(filePath: definition).deletingLastPathComponent().path())
    }

    func run(_ arguments: [String], environment: [String: String?] = [:]) async throws -> CommandOutput {
        try await SystemCommandRunner().execute(command(arguments, environment: environment))
    }

    var bucketFiles: [String] {
        let all = FileManager.default.enumerator(atPath: "\(root)/bucket")?.allObjects as? [String] ?? []
        return all.filter { !$0.hasSuffix("data_science_sandbox") }.sorted()
    }

    /// Everything on this machine that names this workspace: processes, mounts, network namespaces.
    func traces() async throws -> [String] {
        let own = getpid()
        let processes = BackgroundProcess.all { line in line.contains { $0.contains(root) } }
            .filter { $0.pid != own }.map { "process \($0.pid)" }
        let mounts = try readText("/proc/self/mounts").split(separator: "\n").filter { $0.contains(root) }.map(
            String.init)
        let networks = try await SystemCommandRunner().run(Command("ip", ["netns", "list"]))
            .split(separator: "\n").filter { $0.contains("dss-e2e") }.map(String.init)
        let builds = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/state/builds")) ?? []
        return processes + mounts + networks + builds.filter { !$0.hasSuffix(".lock") }
    }
}
