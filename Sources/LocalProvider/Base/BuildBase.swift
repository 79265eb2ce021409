import Glibc
import Sandbox
import Synchronization
import Workbench

extension LocalMachineFactory {
    /// The base system of a plan: from the cache, or made and put there.
    package func base(_ plan: MachinePlan, for build: Build, events: @escaping EventSink) async throws -> CachedTree {
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        let make = { try await makeBase(recipe, for: build, isVerbose: plan.isVerbose, events: events) }
        guard plan.usesCache else {
            let (tree, needsSeal) = try await access.place(try await make(), .base, recipe.key)
            if needsSeal { try await access.seal(.base, recipe.key, inputs: recipe.inputs, missing: []) }
            return tree
        }
        return try await access.obtain(.base, recipe.key, inputs: recipe.inputs, make: make)
    }

    /// - Returns: the path of the new tree.
    private func makeBase(
        _ recipe: BaseRecipe, for build: Build, isVerbose: Bool, events: @escaping EventSink
    ) async throws -> String {
        let files = build.path("base")
        try makeDirectory(files)
        for (name, text) in recipe.files {
            try writeAtomically(text, to: "\(files)/\(name)", mode: name.hasSuffix(".sh") ? 0o755 : 0o644)
        }
        if let sources = recipe.buildSources() { try writeAtomically(sources, to: "\(files)/build.sources") }
        let target = "\(build.workspace)/base"
        try makeDirectory(target)
        let command = recipe.mmdebstrap(
            target: target, files: files, proxies: host.aptProxies, environment: build.environment)
        let log = BaseLog(events: events, isVerbose: isVerbose)
        let output = try await finally {
            try await runner.execute(command) { _, line in log.take(line) }
        } cleanup: {
            // Cancelled or failed: neither processes nor mounts of it may stay.
            let parts = BuildParts(name: build.name, in: self)
            _ = await stopAll { parts.otherProcesses }
            _ = try? await unmount(MountTable.current.below(target))
        }
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw baseFailure(CommandFailure(command, output), recipe, output: log.lines, target: target)
        }
        return target
    }

    private func baseFailure(
        _ failure: CommandFailure, _ recipe: BaseRecipe, output: [String], target: String
    ) -> Failure {
        let what = "the base system \(recipe.system.distribution.rawValue) \(recipe.system.suite) could not be made"
        if isFull(target) || output.contains(where: { $0.contains("No space left on device") }) {
            return diskFull(what)
        }
        let reasons = output.filter { line in
            ["E: ", "Err:", "W: Failed"].contains(where: line.hasPrefix) || line.hasPrefix("  ")
        }
        let isFetching = output.contains { $0.hasPrefix("Err:") || $0.contains("Failed to fetch") }
        if isFetching {
            return Failure(
                .unavailable, "\(what): its packages cannot be loaded", details: Array(reasons.suffix(12)),
                advice: "check the network and base.mirror in sandbox.yaml (now \(recipe.system.mirror))")
        }
        return Failure(
            .failed, what, details: Array(output.suffix(20)), advice: "to run it again: \(failure.command.shellLine)")
    }

    func diskFull(_ what: String) -> Failure {
        Failure(
            .temporary, "\(what): the disk of \(cache.directory) is full",
            advice: "make room there, or choose another place for the cache; a build needs about 5 GiB")
    }

    /// Less than 16 MiB left for others than root's reserve.
    func isFull(_ path: String) -> Bool {
        freeBytes(on: path).map { $0 < 16 << 20 } ?? false
    }
}

/// Everything that decides what a base system is; its key is the hash of that.
struct BaseRecipe: Sendable, Equatable {
    var system: SandboxDefinition.BaseSystem
    var profile: BaseProfile
    /// The image's apt sources; `nil` leaves them to mmdebstrap.
    var sources: [AptSource]?

    init(_ system: SandboxDefinition.BaseSystem, profile: BaseProfile, host: HostSettings) {
        self.system = system
        self.profile = profile
        sources = system.sources(host: host.aptSources)
    }

    /// Installed first; the initial RAM disk is made from these.
    var firstPackages: [String] {
        let system = ["systemd", "systemd-sysv"]
        return switch profile {
        case .tiny: system + ["openssh-server", "iproute2", "ca-certificates"]
        case .container: system + common
        case .vm: system + ["udev", "kmod", "zstd", "e2fsprogs", "initramfs-tools", kernel]
        }
    }

    /// Installed while the initial RAM disk is made.
    var otherPackages: [String] {
        guard profile == .vm else { return [] }
        return common + ["fdisk", "cloud-init", "cloud-guest-utils", "grub2-common"] + bootLoaders
    }

    private var common: [String] {
        [
            "openssh-server", "iproute2", "ca-certificates", "libpam-systemd", "dbus", "sudo", "python3", "python3-apt",
            "netbase", "procps", "iputils-ping", "less", "tzdata",
        ]
    }

    /// The generic kernel: a cloud kernel lacks the drivers of VirtualBox, VMware and older Hyper-V machines.
    private var kernel: String {
        system.distribution == .debian ? "linux-image-\(system.architecture.rawValue)" : "linux-image-generic"
    }

    private var bootLoaders: [String] {
        switch system.architecture {
        case .amd64: ["grub-pc-bin", "grub-efi-amd64-bin"]
        case .arm64: ["grub-efi-arm64-bin"]
        }
    }

    /// The files of a base by name, as mmdebstrap's hooks find them.
    var files: [String: String] {
        var files = [
            "base-extract.sh": PackageResources.base_extract_sh, "base-early.sh": PackageResources.base_early_sh,
            "base-finish.sh": PackageResources.base_finish_sh, "excludes.cfg": PackageResources.excludes_cfg,
            "grub.cfg": PackageResources.grub_cfg,
            "grub.default": PackageResources.grub_default,
        ].mapValues { String(decoding: $0, as: UTF8.self) }
        // In the image only the distribution's own keyring is sure to be there.
        files["image.sources"] = sources.map { text(of: $0) { [system] in $0 == system.distribution.keyring } }
        return files
    }

    private func text(of sources: [AptSource], keyrings: (String) -> Bool) -> String {
        sources.map { $0.text(keyrings: keyrings) }.joined(separator: "\n")
    }

    /// The sources that mmdebstrap reads, with the keyrings that this host has.
    func buildSources() -> String? { sources.map { text(of: $0, keyrings: fileExists) } }

    /// What went in, in words, for the seal.
    var inputs: [String: String] {
        [
            "distribution": system.distribution.rawValue, "suite": system.suite, "mirror": system.mirror,
            "architecture": system.architecture.rawValue, "profile": profile.rawValue,
            "packages": (firstPackages + otherPackages).joined(separator: " "),
        ]
    }

    var key: String {
        var hash = ContentHash()
        for (name, value) in inputs.sorted(by: { $0.key < $1.key }) { hash.add(name, value) }
        for (name, text) in files.sorted(by: { $0.key < $1.key }) { hash.add(name, text) }
        return String(hash.hexDigest.prefix(32))
    }

    /// - Parameters:
    ///   - files: directory with the files above and, where sources are given, `build.sources`.
    ///   - proxies: apt's own proxy settings of the host, as `Acquire::http::Proxy "…"`.
    func mmdebstrap(target: String, files: String, proxies: [String], environment: [String: String?]) -> Command {
        var arguments = [
            "--verbose", "--mode=root", "--format=directory", "--variant=minbase",
            "--architectures=\(system.architecture.rawValue)", "--skip=check/empty,cleanup/apt/lists",
            "--dpkgopt=force-unsafe-io", "--include=\(firstPackages.joined(separator: ","))",
            "--extract-hook=\(files)/base-extract.sh", "--essential-hook=\(files)/base-early.sh",
            "--customize-hook=\(files)/base-finish.sh",
        ]
        arguments += proxies.map { "--aptopt=\($0)" }
        if sources == nil {
            let components = system.distribution == .debian ? "main" : "main,universe"
            arguments.append("--components=\(components)")
        }
        arguments += [system.suite, target] + (sources == nil ? [] : ["\(files)/build.sources"])
        let own: [String: String?] = [
            "DSS_BASE_FILES": files, "DSS_PROFILE": profile.rawValue,
            "DSS_FIRST_PACKAGES": firstPackages.joined(separator: " "),
            "DSS_PACKAGES": otherPackages.joined(separator: " "), "LC_ALL": "C.UTF-8",
        ]
        let fixed: [String: String?] = profile == .container ? Reproducible.environment.mapValues { $0 } : [:]
        return Command("mmdebstrap", arguments, environment: environment.merging(own) { $1 }.merging(fixed) { $1 })
    }
}

/// Turns what mmdebstrap, apt and dpkg say into progress, and keeps the last of it for an error message.
final class BaseLog: Sendable {
    private let events: EventSink
    private let isVerbose: Bool
    private let kept = Mutex<[String]>([])

    init(events: @escaping EventSink, isVerbose: Bool) {
        self.events = events
        self.isVerbose = isVerbose
    }

    var lines: [String] { kept.withLock { $0 } }

    func take(_ line: String) {
        kept.withLock {
            $0.append(line)
            if $0.count > 400 { $0.removeFirst(200) }
        }
        if isVerbose { events(.output(.setup, line: line)) }
        if let activity = Self.activity(line) { events(.progress(.setup, Progress(activity))) }
    }

    /// What a line says in a few words; `nil` for the many that say nothing.
    static func activity(_ line: String) -> String? {
        if line.hasPrefix("I: running apt-get update") { return "loading package lists" }
        if line.hasPrefix("I: downloading packages") { return "loading packages" }
        if line.hasPrefix("I: extracting archives") { return "unpacking the essential packages" }
        if line.hasPrefix("update-initramfs: Generating") { return "making the initial RAM disk" }
        let words = line.split(separator: " ")
        if line.hasPrefix("Unpacking "), words.count > 1 { return "unpacking \(words[1])" }
        if line.hasPrefix("Setting up "), words.count > 2 { return "setting up \(words[2])" }
        return nil
    }
}

/// What makes tools give the same files whenever they run.
package enum Reproducible {
    /// No file of a container image is newer: 2025-01-01T00:00:00Z, in seconds since 1970.
    package static let time = 1_735_689_600

    /// With a source date Python recognizes stale bytecode by the source's hash and not by its time, which an image
    /// does not keep; without a fixed seed the order of some constants in it differs from run to run.
    package static let environment = [
        "SOURCE_DATE_EPOCH": "\(time)", "PYTHONHASHSEED": "0", "PYC_INVALIDATION_MODE": "CHECKED_HASH",
    ]
}
