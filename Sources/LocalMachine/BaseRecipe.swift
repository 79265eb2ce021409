import Sandbox
import Workbench

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
