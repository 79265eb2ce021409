import DiskImages
import FoundationEssentials
import GuestTestSupport
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import LocalProvider

@Suite("Running a build for a person")
struct RunTests {
    @Test("the address of JupyterLab is found on a console, with its token")
    func link() throws {
        let console = """
            [    2.1] some kernel message http://example.com:80/x
            \u{1b}[H\u{1b}[Jhttp://10.0.2.15:49494/lab?token=0123abc\u{1b}[0m
            on this computer: http://localhost:49494/lab/tree/00-start.ipynb?token=4567def.
            sandbox login:
            """
        let link = try #require(JupyterLink(in: console, port: 49494))
        #expect(link.path == "/lab/tree/00-start.ipynb?token=4567def" && link.token == "4567def")
        #expect(JupyterLink(in: console, port: 8888) == nil)
        let sandbox = RunningSandbox(port: 1234, link: link, shell: .ssh(user: "ubuntu", port: 2222))
        #expect(sandbox.url == "http://localhost:1234/lab/tree/00-start.ipynb?token=4567def")
        #expect(sandbox.shell.command.hasPrefix("ssh -p 2222 ubuntu@localhost"))
    }

    @Test(
        "an address without a token counts if there is none with a token",
        arguments: [
            ("http://h:1/lab?token=ab\r\nhttp://h:1/lab", "/lab?token=ab"), ("http://h:1/lab", "/lab"),
            ("(http://[::1]:1/a)", "/a"), ("http://h:1", "/lab"),
        ])
    func linkWithoutToken(output: String, path: String) {
        #expect(JupyterLink(in: output, port: 1)?.path == path)
    }

    @Test("without an address, JupyterLab is at /lab")
    func noLink() {
        let sandbox = RunningSandbox(port: 1234, link: nil, shell: .docker(name: "dss-run-1", user: "ubuntu"))
        #expect(sandbox.url == "http://localhost:1234/lab" && sandbox.token == nil)
        #expect(sandbox.shell.command == "docker exec -it --user ubuntu dss-run-1 bash")
    }

    @Test("the SSH command opens the tunnel to JupyterLab if the image needs one")
    func tunnel() {
        let shell = RunningSandbox.Shell.ssh(user: "ubuntu", port: 2222, tunnel: "49495:localhost:49494")
        #expect(shell.command.hasPrefix("ssh -L 49495:localhost:49494 -p 2222 ubuntu@localhost -o "))
        #expect(shell.isTunnel && !RunningSandbox.Shell.ssh(user: "ubuntu", port: 2222).isTunnel)
    }

    @Test("a restarted container goes on; one that is gone ends the run")
    func restart() async throws {
        try await withFolder([.vmdk]) { folder in
            var manifest = try #require(Manifest.read(folder.path(Manifest.fileName)))
            manifest.container = Manifest.Container(
                reference: "o/r:1.0", digest: "sha256:0", layers: [], missing: [], user: "ubuntu", jupyterPort: 49494,
                inputs: "")
            try writeAtomically(try manifest.json, to: folder.path(Manifest.fileName))
            let docker = RestartedContainer()
            try await runContainer(of: folder, runner: docker) { docker.note($0) }
            #expect(docker.waits.load(ordering: .relaxed) == 2)
            let events = docker.events.withLock { $0 }
            #expect(events.contains { if case .ready = $0 { true } else { false } })
            #expect(events.last == .stopped)
        }
    }

    @Test(
        "the format that is fastest to read is booted, if its file is there",
        arguments: [
            ([ImageFormat.vmdk, .vhd], [], "small.vhd"), ([.vmdk, .vhd, .raw], [.raw], "small.vhd"),
            ([.ova], [], "small.ova"), ([.vmdk, .ova, .qcow2], [], "small.qcow2"), ([.gcp, .vhdx], [], "small.vhdx"),
            ([.gcp], [], "small.tar.gz"),
        ] as [([ImageFormat], [ImageFormat], String)])
    func choice(formats: [ImageFormat], gone: [ImageFormat], chosen: String) async throws {
        try await withFolder(formats) { folder in
            for format in gone { try removeFile(folder.path(format.fileName("small"))) }
            let image = try await RunnableImage(of: folder, runner: SystemCommandRunner())
            #expect(image.path == folder.path(chosen) && image.assetID == "1.0")
            #expect(image.user == "ubuntu" && image.jupyterPort == 49494)
            #expect(RunnableImage(path: image.path) == image)
        }
    }

    @Test("a disk that keeps changes is continued with the image that it was made of, not with a faster one")
    func ownImage() async throws {
        try await withFolder([.qcow2]) { folder in
            let runner = SystemCommandRunner()
            let (image, disk) = (folder.path("small.qcow2"), "\(folder.path)/../keep.qcow2")
            try await runner.run(Command("qemu-img", ["create", "-q", "-f", "qcow2", image, "1M"]))
            _ = try await KeptDisk(disk, on: image, of: "1.0", runner: runner)
            var manifest = try #require(Manifest.read(folder.path(Manifest.fileName)))
            manifest.files.append(Manifest.File(name: "small.raw", format: .raw, bytes: 0, sha256: nil))
            try writeAtomically(try manifest.json, to: folder.path(Manifest.fileName))
            try writeAtomically("", to: folder.path("small.raw"))
            let fastest = try await RunnableImage(of: folder, runner: runner).path
            let own = try await RunnableImage(of: folder, for: disk, runner: runner).path
            let new = try await RunnableImage(of: folder, for: "\(disk).new", runner: runner).path
            #expect([fastest, own, new] == [folder.path("small.raw"), image, folder.path("small.raw")])
            for name in ["small.raw", "small.qcow2", Manifest.fileName] {
                try removeFile(folder.path(name))
                guard name != "small.raw" else { continue }
                let gone = await failure { _ = try await RunnableImage(of: folder, for: disk, runner: runner) }
                let needed = "\(disk) was made of \(image) and can be continued with that image only"
                #expect(gone?.code == .badData && gone?.details.first == needed, "\(name)")
            }
        }
    }

    @Test("a build warns of a running sandbox that keeps its changes, if it replaces or removes its image")
    func keptDiskOfRunningSandbox() async throws {
        try await withFolder([.vhd, .raw]) { folder in
            let provider = LocalVMProvider(
                runner: SystemCommandRunner(),
                factory: LocalMachineFactory(
                    runner: SystemCommandRunner(), cacheDirectory: folder.path, stateDirectory: folder.path,
                    host: HostSettings()),
                folder: folder, stateDirectory: folder.path, programDigest: "program",
                now: { Date(timeIntervalSince1970: 0) })
            let files = try #require(Manifest.read(folder.path(Manifest.fileName))).files
            let (image, disk) = (folder.path("small.vhd"), "\(folder.path)/keep.qcow2")
            let drive =
                "if=none,id=disk,cache=writeback,driver=qcow2,file.filename=\(disk),backing.file.filename=\(image)"
            try await withPretendedGuest("pretended", ["-drive", drive], in: folder.path) {
                let warnings = provider.keptDiskWarnings(files)
                let others = provider.keptDiskWarnings([files[1]])
                #expect(warnings.count == 1 && others.isEmpty, "\(warnings) \(others)")
                let text = warnings.first ?? ""
                #expect(text.contains(image) && text.contains(disk) && text.contains("asset id 1.0"), "\(text)")
            }
            #expect(provider.keptDiskWarnings(files).isEmpty)
        }
    }

    @Test("a build without an image is refused with the way out")
    func nothingToBoot() async throws {
        try await withFolder([.vmdk]) { folder in
            try removeFile(folder.path("small.vmdk"))
            let gone = await failure { _ = try await RunnableImage(of: folder, runner: SystemCommandRunner()) }
            #expect(gone?.code == .badData && gone?.advice?.contains("sudo dss create-vm --asset-id 1.0") == true)
            let other = AssetFolder(folder.store, try AssetID("2.0"), under: "p")
            let unknown = await failure { _ = try await RunnableImage(of: other, runner: SystemCommandRunner()) }
            #expect(unknown?.code == .badData && unknown?.details == ["asset ids in this bucket: 1.0"])
            let container = await failure {
                try await runContainer(of: folder, runner: SystemCommandRunner()) { _ in }
            }
            #expect(container?.code == .badData && container?.advice?.contains("create-docker-image --load") == true)
        }
    }

    @Test(
        "a manifest cannot name a file outside its directory",
        arguments: ["../small.vmdk", "sub/small.vmdk", "/etc/passwd", "..", ".small.vmdk", "", "a\nb"])
    func outside(name: String) async throws {
        try await withFolder([.vmdk]) { folder in
            var manifest = try #require(Manifest.read(folder.path(Manifest.fileName)))
            manifest.files[0].name = name
            try writeAtomically(try manifest.json, to: folder.path(Manifest.fileName))
            let refused = await failure { _ = try await RunnableImage(of: folder, runner: SystemCommandRunner()) }
            #expect(refused?.code == .badData && refused?.message.contains("outside its directory") == true)
            #expect(Manifest.read(folder.path(Manifest.fileName)) == nil)
        }
    }

    @Test("a file without a manifest counts as an image with the usual settings")
    func plainFile() {
        let image = RunnableImage(path: "/nonexistent/x.vmdk")
        #expect(image.user == "ubuntu" && image.jupyterPort == 49494 && image.assetID == "unknown")
    }

    /// A bucket with a build of empty files in these formats.
    private func withFolder(
        _ formats: [ImageFormat], _ body: (AssetFolder<DirectoryStore>) async throws -> Void
    ) async throws {
        try await Fixture.with { fixture in
            let folder = AssetFolder(DirectoryStore("\(fixture.folder)/../bucket"), try AssetID("1.0"), under: "p")
            try makeDirectory(folder.path)
            let files = formats.map {
                Manifest.File(name: $0.fileName("small"), format: $0, bytes: 0, sha256: nil)
            }
            for file in files { try writeAtomically("", to: folder.path(file.name)) }
            let manifest = Manifest(try fixture.order(), files: files, built: Date(timeIntervalSince1970: 0))
            try writeAtomically(try manifest.json, to: folder.path(Manifest.fileName))
            try await body(folder)
        }
    }

    private func failure(_ body: () async throws -> Void) async -> Failure? {
        do { try await body() } catch { return error as? Failure }
        return nil
    }
}

/// A container in which JupyterLab answers, and that is restarted once before it ends.
private final class RestartedContainer: CommandRunner {
    let waits = Atomic(0)
    let events = Mutex<[RunEvent]>([])

    func note(_ event: RunEvent) { events.withLock { $0.append(event) } }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        if command.executable == "curl" { return CommandOutput(standardOutput: "302 http://localhost/login") }
        guard command.arguments.first == "wait" else { return CommandOutput() }
        let isGone = waits.add(1, ordering: .relaxed).newValue == 2
        return CommandOutput(status: .exited(isGone ? 1 : 0))
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw Failure(.bug, "\(command.executable) must not run")
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { throw Failure(.bug, "\(command.executable) must not run") }
}
