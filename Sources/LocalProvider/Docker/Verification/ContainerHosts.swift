import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Starts containers of one image for the checks.
protocol ContainerHost: Sendable {
    /// The name of the container runtime, for the report: `Docker 20.10.24`.
    var name: String { get }
    var configuration: ImageConfiguration { get }
    /// The socket of the local Docker daemon, to be mounted in containers; `nil` if there is none.
    var dockerSocket: String? { get }

    /// Starts a container, calls `body`, and removes the container.
    func withContainer<Result: Sendable>(
        _ order: ContainerOptions, _ body: @Sendable (any RunningContainer) async throws -> Result
    ) async throws -> Result
}

/// The parameters for starting a container.
struct ContainerOptions: Sendable {
    /// The environment variables, which may contain secrets: they are passed in private files.
    var environment: [String: String]
    /// The bind mounts: a path on this machine and a path in the container.
    var mounts: [(source: String, target: String)]
}

protocol RunningContainer: Sendable {
    /// The address of JupyterLab.
    var address: GuestAddress { get }
    /// Runs programs in the network in which `address` is valid.
    var runner: any CommandRunner { get }
    /// Runs a shell script in the container, as one of its users.
    /// - Parameter input: The standard input of the script.
    func run(_ script: String, as user: String, input: Command.Input) async throws -> CommandOutput
    /// Sends SIGTERM to the container.
    /// - Returns: `false` if it still runs after `limit`.
    func stop(within limit: Duration) async throws -> Bool
    /// The output of the container.
    func log() async -> String
}

/// Runs every program through a wrapper command, for example in another network namespace.
struct PrefixedRunner: CommandRunner {
    var runner: any CommandRunner
    var prefix: [String]

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        try await runner.execute(prefixed(command), onLine: onLine)
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await runner.start(prefixed(command), log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        try await runner.converse(prefixed(command), body)
    }

    private func prefixed(_ command: Command) -> Command {
        var command = command
        command.arguments = Array(prefix.dropFirst()) + [command.executable] + command.arguments
        command.executable = prefix[0]
        return command
    }
}

/// Runs containers on the Docker daemon that the `docker` command uses.
struct DockerHost: ContainerHost {
    let name: String
    let configuration: ImageConfiguration
    let dockerSocket: String?
    private let runner: any CommandRunner
    private let image: String

    /// Calls `body` with a host that has the image, which is loaded or pulled if necessary.
    static func with<Result: Sendable>(
        _ source: ImageSource, runner: any CommandRunner, environment: [String: String],
        _ body: @Sendable (DockerHost) async throws -> Result
    ) async throws -> Result {
        let version = try await runner.run(
            Command("docker", ["version", "--format", "{{.Server.Version}}"])
        ).trimmedLine
        let make = { @Sendable (image: String) in
            DockerHost(
                name: "Docker \(version)", configuration: try await configuration(of: image, runner),
                dockerSocket: socket(environment), runner: runner, image: image)
        }
        switch source {
        case .reference(let reference):
            if try await !runner.execute(Command("docker", ["image", "inspect", reference])).status.isSuccess {
                try await pull(reference, runner)
            }
            return try await body(make(reference))
        case .layout(let layout, let tag):
            let image = "dss-verify:\(UInt32.random(in: 0 ... .max))"
            let archive = Command.archive(layout, tag: tag, to: "/dev/stdout", reference: image)
            try await runner.run(
                Command("bash", ["-o", "pipefail", "-c", "\(archive.shellLine) | docker load --quiet"]))
            return try await finally {
                try await body(make(image))
            } cleanup: {
                _ = try? await runner.execute(Command("docker", ["image", "rm", "--force", image]))
            }
        }
    }

    private static func pull(_ reference: String, _ runner: any CommandRunner) async throws {
        do { try await runner.run(Command("docker", ["pull", "--quiet", reference])) } catch let failure
            as CommandFailure
        {
            throw Failure(
                .unavailable, "failed to pull image \(reference)", details: failure.lastLines,
                advice: ImageSource.advice)
        }
    }

    private static func socket(_ environment: [String: String]) -> String? {
        let address = environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock"
        guard address.hasPrefix("unix://") else { return nil }
        let path = String(address.dropFirst("unix://".count))
        return fileExists(path) ? path : nil
    }

    private static func configuration(
        of image: String, _ runner: any CommandRunner
    ) async throws -> ImageConfiguration {
        let format = """
            {"architecture":"{{.Architecture}}","os":"{{.Os}}","created":"{{.Created}}","config":{{json .Config}},\
            "rootfs":{"type":"layers","diff_ids":{{json .RootFS.Layers}}},"history":[]}
            """
        let text = try await runner.run(Command("docker", ["image", "inspect", "--format", format, image]))
        let history = try await runner.run(
            Command("docker", ["image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image]))
        var configuration = try ImageConfiguration(reading: text, of: image)
        configuration.history = history.split(separator: "\n").map { .init(created: "", createdBy: String($0)) }
        return configuration
    }

    func withContainer<Result: Sendable>(
        _ order: ContainerOptions, _ body: @Sendable (any RunningContainer) async throws -> Result
    ) async throws -> Result {
        let name = "dss-verify-\(UInt32.random(in: 0 ... .max))"
        let port = configuration.port
        return try await finally {
            try await withTemporaryDirectory { directory in
                let variables = order.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
                try writeAtomically(variables.joined(), to: "\(directory)/environment", mode: 0o600)
                try await runner.run(
                    Command(
                        "docker",
                        [
                            "run", "--detach", "--name", name, "--env-file", "\(directory)/environment", "--publish",
                            "127.0.0.1::\(port)",
                        ] + order.mounts.flatMap { ["--volume", "\($0.source):\($0.target)"] } + [image]))
            }
            let lines = try await runner.run(Command("docker", ["port", name, "\(port)/tcp"]))
            let published = lines.split(separator: "\n").first?.split(separator: ":").last.flatMap { Int($0) } ?? 0
            let address = GuestAddress(host: "127.0.0.1", sshPort: 0, jupyterPort: published, consoleLog: "")
            return try await body(DockerContainer(address: address, runner: runner, name: name))
        } cleanup: {
            _ = try? await runner.execute(Command("docker", ["rm", "--force", "--volumes", name]))
        }
    }
}

private struct DockerContainer: RunningContainer {
    var address: GuestAddress
    var runner: any CommandRunner
    var name: String

    func run(_ script: String, as user: String, input: Command.Input) async throws -> CommandOutput {
        let words = ["exec", "--interactive", "--user", user, name, "sh", "-c", script]
        return try await runner.execute(Command("docker", words, input: input))
    }

    func stop(within limit: Duration) async throws -> Bool {
        try await runner.run(Command("docker", ["stop", "--time", "\(limit.components.seconds)", name]))
        let code = try await runner.run(Command("docker", ["inspect", "--format", "{{.State.ExitCode}}", name]))
        // 137 means that Docker had to kill the container.
        return code.trimmedLine != "137"
    }

    func log() async -> String {
        let output = try? await runner.execute(Command("docker", ["logs", "--tail", "20", name]))
        return (output?.standardOutput ?? "") + (output?.standardError ?? "")
    }
}

/// Runs containers without a Docker daemon: umoci unpacks the image, and runc starts it in its own network namespace.
struct RuncHost: ContainerHost {
    let name = "runc"
    let configuration: ImageConfiguration
    let dockerSocket: String? = nil
    private let runner: any CommandRunner
    /// The directory of the unpacked image.
    private let bundle: String

    /// Calls `body` with a host that has unpacked the image, which is first copied from its registry if necessary.
    /// - Parameter parent: the directory for the copy.
    static func with<Result: Sendable>(
        _ source: ImageSource, runner: any CommandRunner, in parent: String = "/var/tmp",
        _ body: @Sendable (RuncHost) async throws -> Result
    ) async throws -> Result {
        guard !isNoExec(parent) else {
            throw Failure(
                .unavailable, "\(parent) is mounted with noexec, so runc cannot run the programs of the image there",
                advice: "sudo mount -o remount,exec \(shellQuoted(parent)), or verify the image with Docker")
        }
        // root unpacks files with other owners, so the directory is removed with rm.
        let directory = try makeTemporaryDirectory(in: parent)
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

    /// A copy of the image as a layout with only gzip layers, because umoci cannot read zstd. zstd layers are converted
    /// by way of an archive, which stores them uncompressed.
    private static func local(
        _ source: ImageSource, in directory: String, _ runner: any CommandRunner
    ) async throws -> ImageLayout {
        let copy = ImageLayout(directory: "\(directory)/image")
        let archive = "docker-archive:\(directory)/image.tar"
        // That directory is a temporary one, with a plain name.
        let place = "oci:\(copy.directory):verify"
        switch source {
        case .layout(let layout, let tag):
            let copying = { (target: String) in
                Command(
                    "skopeo", ["copy", "--quiet", layout.location(tag), target], workingDirectory: layout.directory)
            }
            if try layout.manifest().layers.contains(where: { $0.mediaType.hasSuffix("+zstd") }) {
                try await runner.run(copying("\(archive):dss:verify"))
                try await runner.run(Command("skopeo", ["copy", "--quiet", archive, place]))
            } else {
                try await runner.run(copying(place))
            }
        case .reference(let reference):
            let isLocal = (try? ImageRepository(withoutTag(reference)).isOnThisMachine) ?? false
            let arguments = ["copy", "--quiet"] + (isLocal ? ["--src-tls-verify=false"] : [])
            do {
                try await runner.run(
                    Command("skopeo", arguments + ["docker://\(reference)", place]))
            } catch let failure as CommandFailure {
                throw Failure(
                    .unavailable, "failed to copy image \(reference) from its registry with skopeo",
                    details: failure.lastLines, advice: ImageSource.advice)
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
        _ order: ContainerOptions, _ body: @Sendable (any RunningContainer) async throws -> Result
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

    func run(_ script: String, as user: String, input: Command.Input) async throws -> CommandOutput {
        let home = user == "root" ? "/root" : "/home/\(user)"
        let words = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--", "sh", "-c", script]
        return try await host.execute(Command("runc", ["exec", "--env", "HOME=\(home)", name] + words, input: input))
    }

    func stop(within limit: Duration) async throws -> Bool {
        try await host.run(Command("runc", ["kill", name, "TERM"]))
        return await process.ended(within: limit)
    }

    func log() async -> String { tail(of: logFile) }
}

/// The runc configuration of a container (OCI runtime specification), with Docker's default capabilities.
struct RuntimeSpec: Codable, Sendable {
    var ociVersion = "1.0.2"
    var process: Process
    var root: Root
    var hostname = "sandbox"
    var mounts: [Mount]
    var linux: Linux

    struct Process: Codable, Sendable {
        var terminal = false
        var user = User()
        var args: [String]
        var env: [String]
        var cwd: String
        var capabilities = Capabilities()
        var rlimits = [Limit(type: "RLIMIT_NOFILE", hard: 4096, soft: 4096)]
    }

    struct User: Codable, Sendable {
        var uid = 0
        var gid = 0
    }

    struct Capabilities: Codable, Sendable {
        var bounding = Self.docker
        var effective = Self.docker
        var permitted = Self.docker

        private static let docker = [
            "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
            "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
        ].map { "CAP_\($0)" }
    }

    struct Limit: Codable, Sendable {
        var type: String
        var hard: Int
        var soft: Int
    }

    struct Root: Codable, Sendable {
        var path = "rootfs"
        var readonly = false
    }

    struct Mount: Codable, Sendable {
        var destination: String
        var type: String
        var source: String
        var options: [String]

        static let system = [
            Mount(destination: "/proc", type: "proc", source: "proc", options: []),
            Mount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            Mount(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            Mount(destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]),
        ]
    }

    struct Linux: Codable, Sendable {
        var namespaces: [Namespace]
        var maskedPaths = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]
        var readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    }

    struct Namespace: Codable, Sendable {
        var type: String
        var path: String?
    }

    init(_ image: ImageConfiguration, _ order: ContainerOptions, network: String) {
        process = Process(
            args: image.config.entrypoint,
            env: image.config.environment
                + order.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
            cwd: image.config.workingDirectory)
        root = Root()
        mounts =
            Mount.system
            + order.mounts.map {
                Mount(destination: $0.target, type: "bind", source: $0.source, options: ["rbind", "rw"])
            }
        linux = Linux(
            namespaces: ["pid", "ipc", "uts", "mount"].map { Namespace(type: $0) }
                + [Namespace(type: "network", path: network)])
    }
}

/// An image as named by the user: the directory of an OCI image layout, or an image reference for `docker run`.
package enum ImageSource: Sendable, Equatable {
    case layout(ImageLayout, tag: String)
    case reference(String)

    /// What to do about a reference that no registry and no daemon knows.
    static let advice =
        "check the name and the tag, or pass the directory of an OCI image layout that create-docker-image wrote"

    /// - Throws: `Failure` if the text can only be a path, and there is no layout.
    package init(_ text: String) throws {
        let path = text.hasPrefix("oci:") ? String(text.dropFirst(4)) : text
        let inside = "\(path)/\(Manifest.Container.layoutName)"
        if fileExists("\(path)/oci-layout") {
            let layout = ImageLayout(directory: path)
            self = .layout(layout, tag: try layout.tag())
        } else if fileExists("\(inside)/oci-layout") {
            throw Failure(.badData, "\(path) is not an OCI image layout", advice: "pass \(inside) instead")
        } else if text.hasPrefix("oci:") || text.hasPrefix("/") || text.hasPrefix(".") {
            throw Failure(
                .badData, "\(path) is not an OCI image layout",
                advice: "pass the directory that contains the file 'oci-layout', or an image name")
        } else {
            self = .reference(text)
        }
    }
}

extension ImageLayout {
    /// The tag of the image in the layout.
    func tag() throws -> String {
        let index = try decode(ImageIndex.self, "\(directory)/index.json")
        return index.manifests.first?.annotations?["org.opencontainers.image.ref.name"] ?? "latest"
    }
}

/// A directory with a user's file, to be mounted as the notebooks volume of a sandbox.
struct TestVolume: Sendable {
    static let file = "mine.ipynb"
    private static let content = "somebody's own\n"

    let path: String
    private let before: FileState

    /// Creates the directory with UID 1000, the first user of a machine, as the owner.
    init(in directory: String) throws {
        path = "\(directory)/notebooks"
        try makeDirectory(path)
        // The user of the container must be able to traverse the parent directory.
        guard chmod(directory, 0o711) == 0 else { throw FileError("set the mode of", directory) }
        let file = "\(path)/\(Self.file)"
        try writeAtomically(Self.content, to: file, mode: 0o640)
        for name in [path, file] where chown(name, 1000, 1000) != 0 { throw FileError("set the owner of", name) }
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
        utimensat(AT_FDCWD, file, &times, 0)
        before = FileState(file)
    }

    var isUntouched: Bool {
        let file = "\(path)/\(Self.file)"
        return FileState(file) == before && (try? readText(file)) == Self.content
    }
}

/// The metadata of a file that `ls -l` shows: mode, owner, group, and modification time for regular files.
struct FileState: Sendable, Equatable {
    private let mode: UInt32
    private let user: UInt32
    private let group: UInt32
    private let modified: Int

    init(_ path: String) {
        var status = stat()
        stat(path, &status)
        mode = status.st_mode
        user = status.st_uid
        group = status.st_gid
        modified = status.st_mode & S_IFMT == S_IFREG ? status.st_mtim.tv_sec : 0
    }
}
