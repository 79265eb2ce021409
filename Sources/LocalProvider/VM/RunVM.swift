import DiskImages
import Sandbox
import Verification
import Workbench

/// An image to boot, and what is known about it.
package struct RunnableImage: Sendable, Equatable {
    /// Absolute path.
    package var path: String
    package var assetID: String
    package var user: String
    /// JupyterLab's port in the guest.
    package var jupyterPort: Int

    /// An image file; without a manifest beside it, it counts as one with the usual settings.
    package init(path: String) {
        let manifest = Manifest.read("\(parentDirectory(path))/\(Manifest.fileName)")
        self.init(path, manifest)
    }

    /// The image of an asset id that boots fastest, or the one that a disk was made of.
    /// - Parameter disk: absolute path of the disk that keeps the changes.
    /// - Throws: `Failure` with code `.badData` if the asset id has no finished image.
    package init(
        of folder: AssetFolder<DirectoryStore>, for disk: String? = nil, runner: any CommandRunner
    ) async throws {
        let image = if let disk { try await KeptDisk.image(of: disk, runner: runner) } else { String?.none }
        let needed = image.map { ["\(disk ?? "") was made of \($0) and can be continued with that image only"] } ?? []
        guard let manifest = try await folder.manifest() else {
            let known = folder.store.assetIDs(under: folder.prefix).map(\.rawValue)
            throw Failure(
                .badData, "no finished build of '\(folder.assetID)' in \(folder.path)",
                details: needed + (known.isEmpty ? [] : ["asset ids in this bucket: \(known.joined(separator: ", "))"]),
                advice: "build it with: sudo dss create-vm --asset-id \(shellQuoted(folder.assetID.rawValue))")
        }
        let names = ImageReader.preference.compactMap { format in manifest.files.first { $0.format == format }?.name }
        let own = names.filter { folder.path($0) == image }
        guard let name = (own + names).first(where: { fileExists(folder.path($0)) }) else {
            throw Failure(
                .badData, "the build '\(folder.assetID)' has no VM image in \(folder.path)", details: needed,
                advice: manifest.container == nil
                    ? "build it again with: sudo dss create-vm --asset-id \(shellQuoted(folder.assetID.rawValue))"
                    : "to run its Docker image, add --docker")
        }
        guard manifest.architecture == .amd64 else {
            throw Failure(
                .unavailable, "the build '\(folder.assetID)' is for \(manifest.architecture.rawValue)",
                advice: "only images for amd64 can be booted on this host; to run this one, use an AWS instance")
        }
        self.init(folder.path(name), manifest)
    }

    private init(_ path: String, _ manifest: Manifest?) {
        self.path = path
        assetID = manifest?.assetID.rawValue ?? "unknown"
        user = manifest?.user ?? "ubuntu"
        jupyterPort = manifest?.jupyterPort ?? 49494
    }
}

/// What to run, and on which virtual hardware.
package struct RunOrder: Sendable {
    package var image: RunnableImage
    package var hardware: Hardware
    package var memoryMiB: Int
    package var processors: Int
    /// Absolute path of the disk that keeps the changes; `nil` discards them.
    package var disk: String?

    package init(image: RunnableImage, hardware: Hardware, memoryMiB: Int, processors: Int, disk: String?) {
        self.image = image
        self.hardware = hardware
        self.memoryMiB = memoryMiB
        self.processors = processors
        self.disk = disk
    }
}

/// Boots an image for a person, reports how to reach it, and returns when the machine is powered off. If the task is
/// cancelled once the machine is up, the machine is shut down, and this function returns normally.
package func runVM<Runner: CommandRunner>(
    _ order: RunOrder, runner: Runner, events: @escaping @Sendable (RunEvent) -> Void
) async throws {
    let image = order.image
    var options = QemuGuestHost.Options(
        memoryMiB: order.memoryMiB, jupyterPort: image.jupyterPort, assetID: image.assetID)
    options.processors = order.processors
    options.preferredPorts = [2222, image.jupyterPort]
    if let disk = order.disk {
        options.disk = try await KeptDisk(disk, on: image.path, of: image.assetID, runner: runner)
    }
    let host = try await QemuGuestHost(image: image.path, on: order.hardware, options: options, runner: runner)
    events(.starting(image.path, on: "\(host.hardware), \(host.accelerator)"))
    if let warning = host.accelerated.warning() { events(.warning(warning)) }
    let onPowerButton = { @Sendable in events(.stopping) }
    try await host.operate("run", onPowerButton: onPowerButton) { address in
        let isFast = host.accelerated == .kvm
        let readiness = GuestReadiness(of: address, within: .seconds(isFast ? 300 : 1200), runner: runner) {
            events(.progress($0.activity))
        }
        try await readiness.waitForSSH()
        let needsTunnel = try await readiness.waitForJupyter(on: image.jupyterPort)
        let link = try await link(on: address.consoleLog, port: image.jupyterPort, within: .seconds(isFast ? 5 : 30))
        // QEMU listens on the forwarded port, although nothing answers there.
        let port = try needsTunnel ? freePorts(preferring: [image.jupyterPort + 1])[0] : address.jupyterPort
        let tunnel = needsTunnel ? "\(port):localhost:\(image.jupyterPort)" : nil
        let shell = RunningSandbox.Shell.ssh(user: image.user, port: address.sshPort, tunnel: tunnel)
        events(.ready(RunningSandbox(port: port, link: link, shell: shell, disk: order.disk)))
    }
    events(.stopped)
}

/// Waits until the console shows the address of JupyterLab, which can be later than JupyterLab's first answer.
/// - Returns: `nil` if the sandbox shows none.
private func link(on consoleLog: String, port: Int, within limit: Duration) async throws -> JupyterLink? {
    let deadline = ContinuousClock.now + limit
    while true {
        let link = JupyterLink(in: (try? readText(consoleLog)) ?? "", port: port)
        if link != nil || ContinuousClock.now >= deadline { return link }
        try await Task.sleep(for: .milliseconds(200))
    }
}
