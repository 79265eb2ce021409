/// What runc is told of a container (OCI runtime specification), with the rights that Docker gives by default.
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

    init(_ image: ImageConfiguration, _ order: ContainerOrder, network: String) {
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
