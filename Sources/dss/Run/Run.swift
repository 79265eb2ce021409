import ArgumentParser
import Definition
import DiskImages
import LocalProvider
import Reporting
import Sandbox
import Workbench

/// `dss run`
struct Run: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Boot a built sandbox on this host",
        discussion: """
            Boots the VM image of a build, or an image file, in QEMU and prints the address of JupyterLab and the SSH \
            command as soon as both answer. SSH and JupyterLab listen on ports 2222 and 49494 of 127.0.0.1, or on free \
            ports if these are taken. Uses KVM if it works on this host; otherwise, QEMU emulates the processor, which \
            is slow. Does not require root.

            The image is never written to. Changes are discarded at the end, or kept in the file named by --keep; \
            name the same file again to continue with them.

            Ctrl-C shuts the sandbox down, and a second Ctrl-C ends it at once. Exits with 0 when the sandbox was shut \
            down, by Ctrl-C or by itself, and with 130 if it was not up yet or was ended at once.

            --docker starts the Docker image of the build instead, which must be loaded into the Docker daemon.

            Examples:
              dss run
              dss run 0.1.0 --keep work.qcow2
              dss run sandbox.vmdk --memory 8GiB --cpus 4
              dss run 0.1.0 --docker
              dss run --json
            """)

    @Argument(
        help: ArgumentHelp(
            "Asset id of the build, or an image file; ./NAME is always a file (default: the version in the definition)",
            valueName: "image"),
        completion: .file())
    var image: String?

    @Option(
        help: ArgumentHelp(
            "Keep the changes in a QCOW2 file, which is created if it does not exist", valueName: "disk"),
        completion: .file())
    var keep: String?

    @Option(
        help: ArgumentHelp("Memory of the virtual machine, for example 8GiB (default: 4GiB)", valueName: "size"),
        transform: ByteCount.init(parsing:))
    var memory: ByteCount?

    @Option(help: ArgumentHelp("Processors of the virtual machine (default: 2)", valueName: "number"))
    var cpus: Int?

    @Option(help: "Virtual hardware to boot on (default: what the format of the image is for)")
    var hardware: Hardware?

    @Flag(help: "Run the Docker image of the build")
    var docker = false

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    @Flag(help: "Print JSON: one event per line")
    var json = false

    func validate() throws {
        if docker, keep != nil || memory != nil || cpus != nil || hardware != nil {
            throw ValidationError("--keep, --memory, --cpus and --hardware apply to virtual machines, not to --docker")
        }
        // QEMU's emulated processor addresses at most 1 TiB (40 bits), and its machine 'pc' has at most 255 processors.
        if let memory, !(512 << 20...1 << 40).contains(memory.bytes) {
            throw ValidationError("--memory must be 512MiB to 1TiB")
        }
        if let cpus, !(1...255).contains(cpus) { throw ValidationError("--cpus must be 1 to 255") }
    }

    func run(in live: Live) async throws {
        let writer = RunWriter(live, json: json)
        guard !docker else {
            return try await runContainer(of: folder(live), runner: live.runner, events: writer.write)
        }
        let image = try await runnable(live)
        let order = RunOrder(
            image: image, hardware: try .chosen(hardware, for: image.path),
            memoryMiB: (memory?.bytes).map { Int($0 >> 20) } ?? 4096, processors: cpus ?? 2,
            disk: keep.map(live.absolute))
        try await runVM(order, runner: live.runner, events: writer.write)
    }

    /// A name with a slash or with the extension of an image is a file even if it does not exist; the error then says
    /// so. Any other name is a file only if that is an image, so that a directory does not hide an asset id.
    private func runnable(_ live: Live) async throws -> RunnableImage {
        func finished() async throws -> RunnableImage {
            try await RunnableImage(of: folder(live), for: keep.map(live.absolute), runner: live.runner)
        }
        guard let image else { return try await finished() }
        let path = live.absolute(image)
        let isNamedLikeAFile =
            image.contains("/") || ImageFormat.allCases.contains { $0.stem(of: image) != nil }
        if isNamedLikeAFile || (try? ImageInspector.signature(of: path)) != nil { return RunnableImage(path: path) }
        do { return try await finished() } catch var failure as Failure where fileExists(path) {
            failure.details.append("\(path) is not a disk image; to name it anyway, write ./\(image)")
            throw failure
        }
    }

    private func folder(_ live: Live) throws -> AssetFolder<DirectoryStore> {
        guard let image else {
            let sandbox = try live.loaded(definition).definition.definition
            return try live.folder(sandbox.defaultAssetID, sandbox.names, place)
        }
        return try live.folder(AssetID(image), live.names(definition), place)
    }
}
