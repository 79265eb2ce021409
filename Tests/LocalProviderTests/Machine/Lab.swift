import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

/// Shared setup of the tests with real machines: one small base system, built once, and directories that are removed
/// when the tests end.
enum Lab {
    static let tools = ["mmdebstrap", "systemd-nspawn", "slirp4netns", "nc", "nsenter", "ip", "ssh-keygen"]

    /// Why tests with real machines cannot run on this host; `nil` if they can.
    static let obstacle: String? = {
        guard geteuid() == 0 else { return "needs root" }
        let missing = tools.filter { tool in
            !["/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains { fileExists("\($0)/\(tool)") }
        }
        guard missing.isEmpty else { return "needs \(missing.joined(separator: ", "))" }
        return fileExists("/dev/net/tun") ? nil : "needs /dev/net/tun"
    }()

    static var reason: Comment { Comment(rawValue: obstacle ?? "") }
    static var isReady: Bool { obstacle == nil }

    static let directory: String = {
        let path = try! makeTemporaryDirectory(in: "/var/tmp")
        lastDirectory.withLock { $0 = path }
        atexit {
            let path = lastDirectory.withLock { $0 }
            // Nothing is mounted here if the tests pass; if they fail, nothing is deleted through a mount.
            if MountTable.current.below(path).isEmpty { try? FileManager.default.removeItem(atPath: path) }
        }
        return path
    }()
    private static let lastDirectory = Mutex("")

    static var cache: String { "\(directory)/cache" }

    static func factory(
        cache: String = cache, state: String = "\(directory)/state", runner: any CommandRunner = SystemCommandRunner()
    ) async -> LocalMachineFactory {
        let environment = ProcessInfo.processInfo.environment
        return LocalMachineFactory(
            runner: runner, cacheDirectory: cache, stateDirectory: state,
            host: await .read(environment: environment, runner: SystemCommandRunner()))
    }

    static func plan(_ id: String, steps: [String] = [], usesCache: Bool = true) throws -> MachinePlan {
        MachinePlan(
            assetID: try AssetID(id), base: .init(), profile: .tiny, steps: steps, usesCache: usesCache)
    }

    /// Runs a script as root on a machine.
    static func run(_ script: String, on machine: LocalMachine) async throws -> String {
        try await SystemCommandRunner().run(
            .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: script)
        ).trimmedLine
    }
}

/// Collects events.
final class Recorder: Sendable {
    private let all = Mutex<[BuildEvent]>([])
    var events: [BuildEvent] { all.withLock { $0 } }
    var sink: EventSink { { event in self.all.withLock { $0.append(event) } } }

    var warnings: [String] {
        events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }
    var notices: [String] {
        events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }
    var activities: [String] {
        events.compactMap { if case .progress(_, let progress) = $0 { progress.activity } else { nil } }
    }
}

/// Runs the undo after `body` and expects that nothing is left.
func withUndo<Result>(_ body: (Undo) async throws -> Result) async throws -> Result {
    let undo = Undo()
    do {
        let result = try await body(undo)
        #expect(await undo.unwind() == [])
        return result
    } catch {
        #expect(await Task { await undo.unwind() }.value == [])
        throw error
    }
}
