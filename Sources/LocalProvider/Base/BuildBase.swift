import Glibc
import Sandbox
import Synchronization
import Workbench

extension LocalMachineFactory {
    /// Returns the base system of a plan from the cache, or builds it and adds it to the cache.
    package func base(_ plan: MachinePlan, for build: Build, events: @escaping EventSink) async throws -> CachedTree {
        try await beforeBuilding(cachedSteps(of: plan))
        try await requireFileSystem(for: build)
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        let make = { try await makeBase(recipe, for: build, isVerbose: plan.isVerbose, events: events) }
        guard plan.usesCache else {
            let (tree, isIncomplete) = try await access.place(try await make(), .base, recipe.key)
            if isIncomplete { try await access.complete(.base, recipe.key, inputs: recipe.inputs, missing: []) }
            return tree
        }
        return try await access.obtain(.base, recipe.key, inputs: recipe.inputs, make: make)
    }

    /// The number of steps whose layers are in the cache, as its manifests tell: no entry is locked or verified.
    func cachedSteps(of plan: MachinePlan) -> Int {
        let base = BaseRecipe(plan.base, profile: plan.profile, host: host).key
        guard plan.usesCache, fileExists(cache.manifest(.base, base)) else { return 0 }
        return plan.layerKeys(above: base).prefix { key in
            CacheEntryManifest.read(cache.manifest(.layers, key)).map { plan.isCurrent($0.reads) } ?? false
        }.count
    }

    /// - Returns: the path of the new tree.
    private func makeBase(
        _ recipe: BaseRecipe, for build: Build, isVerbose: Bool, events: @escaping EventSink
    ) async throws -> String {
        let files = build.path("base")
        try makeDirectory(files)
        for (name, text) in recipe.files {
            try writeAtomically(text, to: "\(files)/\(name)")
        }
        // Private, because URLs of mirrors and proxies may contain passwords.
        try writeAtomically(
            recipe.sources.buildText(keyrings: fileExists), to: "\(files)/build.sources", mode: 0o600)
        let settings = host.aptSettings + [#"Dir::Etc::netrc "\#(files)/auth.conf""#]
        try writeAtomically(settings.map { "\($0);\n" }.joined(), to: "\(files)/apt.conf", mode: 0o600)
        try writeAtomically(host.aptCredentials, to: "\(files)/auth.conf", mode: 0o600)
        let target = "\(build.workspace)/base"
        try makeDirectory(target)
        let command = recipe.mmdebstrap(target: target, files: files, environment: build.environment)
        let log = BaseBuildLog(events: events, isVerbose: isVerbose)
        let output = try await finally {
            try await runner.execute(command) { _, line in log.take(line) }
        } cleanup: {
            // After a failure or cancellation, no processes or mounts may remain.
            let parts = BuildResources(name: build.name, in: self)
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
        let what = "cannot build the base system \(recipe.system.distribution.rawValue) \(recipe.system.suite)"
        if isFull(target) || output.contains(where: { $0.contains("No space left on device") }) {
            return diskFull(what)
        }
        let reasons = output.filter { line in
            ["E: ", "Err:", "W: Failed"].contains(where: line.hasPrefix) || line.hasPrefix("  ")
        }
        let isFetching = output.contains { $0.hasPrefix("Err:") || $0.contains("Failed to fetch") }
        if isFetching {
            return Failure(
                .unavailable, "\(what): package download failed", details: Array(reasons.suffix(12)),
                advice: recipe.advice(afterFailedDownload: output))
        }
        return Failure(
            .failed, what, details: Array(output.suffix(20)), advice: "to run it again: \(failure.command.shellLine)")
    }

    func diskFull(_ what: String) -> Failure {
        Failure(
            .temporary, "\(what): no space left in \(cache.directory)",
            advice: "free some space, or move the cache to another disk; a build needs about 5 GiB")
    }

    /// Whether less than 16 MiB are free, not counting the blocks reserved for root.
    func isFull(_ path: String) -> Bool {
        freeBytes(on: path).map { $0 < 16 << 20 } ?? false
    }
}

/// All inputs of a base system; its cache key is their hash.
struct BaseRecipe: Sendable, Equatable {
    var system: SandboxDefinition.BaseSystem
    var profile: BaseProfile
    var sources: PackageSources

    init(_ system: SandboxDefinition.BaseSystem, profile: BaseProfile, host: HostSettings) {
        self.system = system
        self.profile = profile
        sources = PackageSources(system, host: host.aptSources)
    }

    /// Packages installed first; the initramfs is generated from them.
    var firstPackages: [String] {
        let system = ["systemd", "systemd-sysv"]
        return switch profile {
        case .tiny: system + ["openssh-server", "iproute2", "ca-certificates"]
        case .container: system + common
        case .vm: system + ["udev", "kmod", "zstd", "e2fsprogs", "initramfs-tools", kernel]
        }
    }

    /// Packages installed while the initramfs is generated.
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

    /// The generic kernel, because a cloud kernel lacks the drivers of VirtualBox, VMware and older Hyper-V machines.
    private var kernel: String {
        system.distribution == .debian ? "linux-image-\(system.architecture.rawValue)" : "linux-image-generic"
    }

    private var bootLoaders: [String] {
        switch system.architecture {
        case .amd64: ["grub-pc-bin", "grub-efi-amd64-bin"]
        case .arm64: ["grub-efi-arm64-bin"]
        }
    }

    /// The files for mmdebstrap's hooks, by name.
    var files: [String: String] {
        var files = [
            "base-extract.sh": PackageResources.base_extract_sh, "base-early.sh": PackageResources.base_early_sh,
            "base-finish.sh": PackageResources.base_finish_sh, "excludes.cfg": PackageResources.excludes_cfg,
            "grub.cfg": PackageResources.grub_cfg,
            "grub.default": PackageResources.grub_default,
        ].mapValues { String(decoding: $0, as: UTF8.self) }
        files["image.list"] = sources.imageList
        // Otherwise, cloud-init replaces the sources by those of the cloud at the first boot.
        if system.sources == .mirror { files["cloud.cfg"] = "apt:\n  preserve_sources_list: true\n" }
        return files
    }

    /// Readable inputs for the seal of the cache entry.
    var inputs: [String: String] {
        let system = system.withoutCredentials
        return [
            "distribution": system.distribution.rawValue, "suite": system.suite, "mirror": system.mirror,
            "security mirror": system.securityMirror ?? "", "sources": system.sources.rawValue,
            "architecture": system.architecture.rawValue, "profile": profile.rawValue,
            "packages": (firstPackages + otherPackages).joined(separator: " "),
        ]
    }

    var key: String {
        var hash = ContentHash()
        for (name, value) in inputs.sorted(by: { $0.key < $1.key }) { hash.add(name, value) }
        for (name, text) in files.sorted(by: { $0.key < $1.key }) { hash.add(name, text) }
        hash.add("sources of the build", sources.buildIdentity)
        return String(hash.hexDigest.prefix(32))
    }

    /// What to change if packages cannot be downloaded.
    func advice(afterFailedDownload output: [String]) -> String {
        let system = system.withoutCredentials
        let failed = output.filter { $0.hasPrefix("Err:") }
        let isSecurity = !failed.isEmpty && failed.allSatisfy { $0.contains("\(system.suite)-security") }
        guard isSecurity, system.mirror != "host" || system.securityMirror != nil else {
            return "check the network and base.mirror in sandbox.yaml (currently \(system.mirror))"
        }
        return """
            set base.security_mirror in sandbox.yaml to a mirror that has \(system.suite)-security, or to none for a \
            build without security updates
            """
    }

    /// - Parameters:
    ///   - files: directory with `files`, `build.sources`, and `apt.conf` with the host's settings of apt.
    func mmdebstrap(target: String, files: String, environment: [String: String?]) -> Command {
        // The first step of the playbook uses the package lists, if apt finds them under the same names there.
        let skipped = ["check/empty"] + (sources.differInMachine ? [] : ["cleanup/apt/lists"])
        var arguments = [
            "--verbose", "--mode=root", "--format=directory", "--variant=minbase",
            "--architectures=\(system.architecture.rawValue)", "--skip=\(skipped.joined(separator: ","))",
            "--dpkgopt=force-unsafe-io", "--include=\(firstPackages.joined(separator: ","))",
        ]
        // Read by a shell, because the state directory may be mounted with noexec.
        arguments += [("extract", "extract"), ("essential", "early"), ("customize", "finish")].map { hook, script in
            #"--\#(hook)-hook=sh "$DSS_BASE_FILES/base-\#(script).sh" "$1""#
        }
        // Every user can read the arguments of a process, so mmdebstrap gets the names of private files.
        arguments += ["--aptopt=\(files)/apt.conf", system.suite, target, "\(files)/build.sources"]
        let own: [String: String?] = [
            "DSS_BASE_FILES": files, "DSS_PROFILE": profile.rawValue,
            "DSS_FIRST_PACKAGES": firstPackages.joined(separator: " "),
            "DSS_PACKAGES": otherPackages.joined(separator: " "), "LC_ALL": "C.UTF-8",
        ]
        let fixed: [String: String?] = profile == .container ? Reproducible.environment.mapValues { $0 } : [:]
        return Command("mmdebstrap", arguments, environment: environment.merging(own) { $1 }.merging(fixed) { $1 })
    }
}

/// Turns the output of mmdebstrap, apt and dpkg into progress events, and keeps the last lines for error messages.
final class BaseBuildLog: Sendable {
    private let events: EventSink
    private let isVerbose: Bool
    private let kept = Mutex<[String]>([])

    init(events: @escaping EventSink, isVerbose: Bool) {
        self.events = events
        self.isVerbose = isVerbose
    }

    var lines: [String] { kept.withLock { $0 } }

    func take(_ line: String) {
        let line = line.withoutCredentials
        kept.withLock {
            $0.append(line)
            if $0.count > 400 { $0.removeFirst(200) }
        }
        if isVerbose { events(.output(.setup, line: line)) }
        if let activity = Self.activity(line) { events(.progress(.setup, Progress(activity))) }
    }

    /// The activity that a line announces; `nil` for most lines.
    static func activity(_ line: String) -> String? {
        if line.hasPrefix("I: running apt-get update") { return "downloading package lists" }
        if line.hasPrefix("I: downloading packages") { return "downloading packages" }
        if line.hasPrefix("I: extracting archives") { return "unpacking essential packages" }
        if line.hasPrefix("update-initramfs: Generating") { return "generating the initramfs" }
        let words = line.split(separator: " ")
        if line.hasPrefix("Unpacking "), words.count > 1 { return "unpacking \(words[1])" }
        if line.hasPrefix("Setting up "), words.count > 2 { return "setting up \(words[2])" }
        return nil
    }
}

/// Settings that make tools produce the same files in every run.
package enum Reproducible {
    /// Upper bound for file times in a container image: 2025-01-01T00:00:00Z, in seconds since 1970.
    package static let time = 1_735_689_600

    /// Environment for reproducible results.
    ///
    /// With a source date, Python detects stale bytecode by the hash of the source and not by its time, which an image
    /// does not preserve. Without a fixed hash seed, the order of some constants in the bytecode varies between runs.
    package static let environment = [
        "SOURCE_DATE_EPOCH": "\(time)", "PYTHONHASHSEED": "0", "PYC_INVALIDATION_MODE": "CHECKED_HASH",
    ]
}
