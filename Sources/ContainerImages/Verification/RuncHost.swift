import Sandbox
import Workbench

/// Containers without a Docker daemon: the image unpacked by umoci and started by runc, in a network of its own.
struct RuncHost: ContainerHost {
    let name = "runc"
    let configuration: ImageConfiguration
    let dockerSocket: String? = nil
    private let runner: any CommandRunner
    /// Holds the unpacked image.
    private let bundle: String

    /// Gives `body` a host with the image unpacked, copied from its registry where it is not here.
    static func with<Result: Sendable>(
        _ source: ImageSource, runner: any CommandRunner, _ body: @Sendable (RuncHost) async throws -> Result
    ) async throws -> Result {
        // Unpacked by root with files of other owners, so it is removed by rm.
        let directory = try makeTemporaryDirectory(in: "/var/tmp")
        return try await finally {
            let layout = try await local(source, in: directory, runner)
            let configuration = try layout.configuration()
            try makeDirectory("\(directory)/bundle")
            try await runner.run(
                Command(
                    "umoci", ["raw", "unpack", "--image", "\(layout.directory):verify", "\(directory)/bundle/rootfs"]))
            return try await body(
                RuncHost(configuration: configuration, runner: runner, bundle: "\(directory)/bundle"))
        } cleanup: {
            _ = try? await runner.execute(Command("rm", ["-rf", "--one-file-system", "--", directory]))
        }
    }

    /// A layout with gzip layers alone, which is all that umoci reads: through an archive, which has them plain.
    private static func local(
        _ source: ImageSource, in directory: String, _ runner: any CommandRunner
    ) async throws -> ImageLayout {
        let copy = ImageLayout(directory: "\(directory)/image")
        let archive = "docker-archive:\(directory)/image.tar"
        switch source {
        case .layout(let layout, let tag):
            let from = layout.location(tag)
            if try layout.manifest().layers.contains(where: { $0.mediaType.hasSuffix("+zstd") }) {
                try await runner.run(Command("skopeo", ["copy", "--quiet", from, "\(archive):dss:verify"]))
                try await runner.run(Command("skopeo", ["copy", "--quiet", archive, copy.location("verify")]))
            } else {
                try await runner.run(Command("skopeo", ["copy", "--quiet", from, copy.location("verify")]))
            }
        case .reference(let reference):
            let isLocal = (try? ImageRepository(withoutTag(reference)).isOnThisMachine) ?? false
            let arguments = ["copy", "--quiet"] + (isLocal ? ["--src-tls-verify=false"] : [])
            do {
                try await runner.run(
                    Command("skopeo", arguments + ["docker://\(reference)", copy.location("verify")]))
            } catch let failure as CommandFailure {
                throw Failure(
                    .unavailable, "the image \(reference) cannot be copied here, and no Docker daemon answers",
                    details: failure.lastLines)
            }
        }
        return copy
    }

    private static func withoutTag(_ reference: String) -> String {
        let name = reference.prefix { $0 != "@" }
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return String(name) }
        return String(name[..<colon])
    }

    func withContainer<Result: Sendable>(
        _ order: ContainerOrder, _ body: @Sendable (any RunningContainer) async throws -> Result
    ) async throws -> Result {
        let name = "dss-verify-\(UInt32.random(in: 0 ... .max))"
        try await runner.run(Command("ip", ["netns", "add", name]))
        return try await finally {
            try await runner.run(Command("ip", ["-n", name, "link", "set", "lo", "up"]))
            let spec = RuntimeSpec(configuration, order, network: "/run/netns/\(name)")
            try writeAtomically(try canonicalJSON(spec), to: "\(bundle)/config.json", mode: 0o600)
            let process = try await runner.start(
                Command("runc", ["run", "--bundle", bundle, name]), log: "\(bundle)/log")
            return try await body(
                RuncContainer(
                    address: GuestAddress(
                        host: "127.0.0.1", sshPort: 0, jupyterPort: configuration.port, consoleLog: ""),
                    runner: PrefixedRunner(runner: runner, prefix: ["ip", "netns", "exec", name]), host: runner,
                    name: name, process: process, logFile: "\(bundle)/log"))
        } cleanup: {
            _ = try? await runner.execute(Command("runc", ["delete", "--force", name]))
            _ = try? await runner.execute(Command("ip", ["netns", "delete", name]))
        }
    }
}

private struct RuncContainer: RunningContainer {
    var address: GuestAddress
    var runner: any CommandRunner
    var host: any CommandRunner
    var name: String
    var process: BackgroundProcess
    var logFile: String

    func run(_ script: String, as user: String) async throws -> CommandOutput {
        let home = user == "root" ? "/root" : "/home/\(user)"
        let words = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--", "sh", "-c", script]
        return try await host.execute(Command("runc", ["exec", "--env", "HOME=\(home)", name] + words))
    }

    func stop(within limit: Duration) async throws -> Bool {
        try await host.run(Command("runc", ["kill", name, "TERM"]))
        return await process.ended(within: limit)
    }

    func log() async -> String { tail(of: logFile) }
}
