import DiskImages
import FoundationEssentials
import Glibc
import Provisioning
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import LocalProvider

/// A finished build that gets other formats.
@Suite(
    "Adding formats to a finished build",
    .enabled(if: access("/usr/bin/qemu-img", X_OK) == 0, "not installed: qemu-img"))
struct FormatsTests {
    @Test("are made from the same disk; old images, password and Docker image stay")
    func adding() async throws {
        try await PublishedDisk.with { lab in
            let folder = lab.folder
            let container = Manifest.Container(
                reference: "exasol/small:1.0", digest: "sha256:a", layers: [], missing: [], user: "ubuntu",
                jupyterPort: 49494, inputs: "i")
            let alone = Manifest(try lab.order([.raw]), built: Date(timeIntervalSince1970: 0))
            try await folder.publish(container: container, orElse: alone)
            let before = try #require(await folder.manifest())
            let password = try readText(lab.provider.verifier.path)
            let (formats, said) = try await lab.build([.qcow2, .vhd])
            #expect(formats == [.raw, .qcow2, .vhd])
            #expect(said.contains { $0.contains("adding qcow2, vhd") && $0.contains("from small-1.0.raw") }, "\(said)")
            let after = try #require(await folder.manifest())
            #expect(after.files.first == before.files.first && after.container == container)
            #expect(after.built == before.built && after.inputs == before.inputs)
            #expect(try await folder.intactFiles(of: after) == after.files)
            #expect(try readText(folder.path("START.md")) == StartInstructions(after).markdown)
            #expect(try readText(lab.provider.verifier.path) == password)
            for (format, driver) in [("qcow2", "qcow2"), ("vhd", "vpc")] {
                try await lab.expectDisk(in: "small-1.0.\(format)", driver)
            }
            #expect(try await lab.provider.finished(lab.order([.vhd])) != nil)
            #expect(try await lab.provider.finished(lab.order([.vhd, .raw])) != nil)
        }
    }

    @Test(
        "are made from any image that is there, without loss",
        arguments: ImageFormat.allCases.filter { $0 != .raw })
    func anySource(_ format: ImageFormat) async throws {
        try await PublishedDisk.with { lab in
            _ = try await lab.build([format])
            try removeFile(lab.folder.path("small-1.0.raw"))
            let (formats, said) = try await lab.build([format])
            #expect(formats == [.raw, format], "a missing image of the manifest is made again")
            #expect(said.contains { $0.contains("from \(format.fileName("small-1.0"));") }, "\(said)")
            #expect(try sha256(of: lab.folder.path("small-1.0.raw")) == (try sha256(of: lab.disk)))
        }
    }

    @Test("are never made from a damaged image; without an intact one, the sandbox is built anew")
    func damaged() async throws {
        try await PublishedDisk.with { lab in
            _ = try await lab.build([.vhd])
            try lab.damage("small-1.0.raw")
            let (formats, said) = try await lab.build([.raw])
            #expect(formats == [.raw, .vhd])
            #expect(said.contains { $0.contains("small-1.0.raw is missing or differs from its checksum") }, "\(said)")
            try await lab.expectDisk(in: "small-1.0.raw", "raw")
            try lab.damage("small-1.0.raw")
            try lab.damage("small-1.0.vhd")
            let log = NoticeLog()
            #expect(try await lab.captured([.qcow2], in: Scope(events: log.sink)) == nil)
            #expect(log.lines.last?.contains("no image of '1.0' is intact") == true, "\(log.lines)")
        }
    }

    @Test("a plan names what makes the disk another one")
    func planned() async throws {
        try await PublishedDisk.with { lab in
            func changes(_ change: (inout SandboxDefinition) -> Void) async throws -> [String] {
                var order = try lab.order([.raw])
                change(&order.definition)
                return try await lab.provider.plan(order).parts.filter { $0.stage == .seal }.flatMap(\.changes)
            }
            let same = try await changes { _ in }
            let larger = try await changes { $0.disk.sizeMiB += 1024 }
            let newer = try await changes { $0.version = "2.0" }
            let other = try await changes { ($0.name, $0.base.suite) = ("other", "trixie") }
            #expect(same == [] && larger == ["disk.size changed"] && newer == ["version changed"])
            #expect(other == ["name changed", "base.suite changed"])
            try removeFile(lab.folder.path("small-1.0.raw"))
            let gone = try await changes { _ in }
            #expect(gone == ["small-1.0.raw is missing or was changed"])
        }
    }

    @Test("with --only-formats, the others are removed when the new ones are there")
    func onlyFormats() async throws {
        try await PublishedDisk.with { lab in
            let (formats, said) = try await lab.build([.qcow2], only: true)
            #expect(formats == [.qcow2])
            #expect(said.contains("removing raw from the images of 1.0 when this build succeeds"), "\(said)")
            #expect(!fileExists(lab.folder.path("small-1.0.raw")))
            try await lab.expectDisk(in: "small-1.0.qcow2", "qcow2")
            _ = try await lab.build([.vhd])
            #expect(try await lab.build([.vhd], only: true).formats == [.vhd])
            #expect(try readText(lab.folder.path("SHA256SUMS")).split(separator: "\n").count == 1)
        }
    }

    @Test("another password, a file in the way, other inputs: nothing is added, nothing is lost")
    func refused() async throws {
        try await PublishedDisk.with { lab in
            let other = try await #require(throws: Failure.self) {
                try await lab.captured([.vhd], password: .given(Secret("two")), in: Scope())
            }
            #expect(other.code == .badData && other.message.contains("another default password"))
            try writeAtomically("mine", to: lab.folder.path("small-1.0.vhd"))
            let undo = Undo()
            let inTheWay = try await #require(throws: Failure.self) { try await lab.captured([.vhd], in: Scope(undo)) }
            #expect(inTheWay.message.contains("in the way"))
            #expect(await undo.unwind() == [])
            try writeAtomically("another play", to: "\(lab.fixture.folder)/site.yml")
            #expect(try await lab.captured([.qcow2], in: Scope()) == nil)
            #expect(try readText(lab.folder.path("small-1.0.vhd")) == "mine")
            try await lab.expectDisk(in: "small-1.0.raw", "raw")
        }
    }

    @Test("a new system replaces the images of the old one, and those of other formats go last")
    func newSystem() async throws {
        try await PublishedDisk.with { lab in
            _ = try await lab.build([.vhd])
            try writeAtomically("another play", to: "\(lab.fixture.folder)/site.yml")
            try await lab.publish("another disk")
            let manifest = try #require(await lab.folder.manifest())
            #expect(manifest.files.map(\.format) == [.raw])
            #expect(!fileExists(lab.folder.path("small-1.0.vhd")))
        }
    }
}

/// A published raw image of a small disk.
private struct PublishedDisk {
    let fixture: Fixture
    let root: String
    let provider: LocalVMProvider
    let folder: AssetFolder<DirectoryStore>

    /// A copy of the disk in the images.
    var disk: String { "\(root)/disk" }

    static func with(_ body: (PublishedDisk) async throws -> Void) async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let runner = SystemCommandRunner()
            let folder = AssetFolder(DirectoryStore(root), try AssetID("1.0"), under: "p")
            let factory = LocalMachineFactory(
                runner: runner, cacheDirectory: "\(root)/cache", stateDirectory: root, host: HostSettings())
            let provider = LocalVMProvider(
                runner: runner, factory: factory, folder: folder, stateDirectory: root, programDigest: "program",
                now: { Date(timeIntervalSince1970: 0) })
            let lab = PublishedDisk(fixture: fixture, root: root, provider: provider, folder: folder)
            try makeDirectory(root)
            // A boot sector, data, and a hole.
            var bytes = [UInt8](repeating: 0, count: 4 << 20)
            (bytes[510], bytes[511]) = (0x55, 0xaa)
            for index in 0..<300_000 { bytes[(1 << 20) + index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
            try Data(bytes).write(to: URL(filePath: lab.disk))
            try await lab.publish()
            try await body(lab)
        }
    }

    func order(
        _ formats: [ImageFormat], only: Bool = false, password: DefaultPassword = .given(Secret("one"))
    ) throws -> BuildOrder {
        var order = try fixture.order(password: password)
        order.definition.formats = formats
        order.keepsOnlyItsFormats = only
        return order
    }

    /// Publishes a raw image as a build does.
    func publish(_ text: String? = nil) async throws {
        let order = try order([.raw])
        try await folder.prepare(in: Scope())
        let partial = "\(folder.path)/\(ConvertedImage.partialName(of: "small-1.0.raw"))"
        if let text {
            try writeAtomically(text, to: partial)
        } else {
            try FileManager.default.copyItem(atPath: disk, toPath: partial)
        }
        let file = Manifest.File(
            name: "small-1.0.raw", format: .raw, bytes: Int64(text?.utf8.count ?? 4 << 20),
            sha256: try sha256(of: partial))
        _ = try await provider.publish(
            [ConvertedImage(file: file, temporaryPath: partial)], of: order, missing: [],
            inputs: try BuildInputs(order).diskDigest(of: order.definition, program: "program"))
    }

    func captured(
        _ formats: [ImageFormat], only: Bool = false, password: DefaultPassword = .given(Secret("one")),
        in scope: Scope
    ) async throws -> [ImageFormat]? {
        try await provider.captured(in: BuildContext(order(formats, only: only, password: password), scope))?
            .image.formats
    }

    /// What `create-vm` does after it has found that formats are missing.
    func build(_ formats: [ImageFormat], only: Bool = false) async throws -> (formats: [ImageFormat], said: [String]) {
        let log = NoticeLog()
        let order = try order(formats, only: only, password: .generated(Secret("unused")))
        #expect(try await provider.finished(order) == nil)
        try await Scope.run(events: log.sink) { scope in
            let build = BuildContext(order, scope)
            let captured = try #require(try await provider.captured(in: build))
            _ = try await provider.export(captured.image, missing: captured.missing, in: build)
        }
        let left = folder.store.list("p/1.0/").filter { ConvertedImage.isPartialName(baseName($0.key)) }
        #expect(left.isEmpty)
        return (try await folder.manifest()?.files.map(\.format) ?? [], log.lines)
    }

    func damage(_ name: String) throws {
        let path = folder.path(name)
        let file = open(path, O_WRONLY)
        defer { close(file) }
        #expect(pwrite(file, "damage", 6, 700) == 6)
    }

    func expectDisk(in name: String, _ driver: String) async throws {
        let compare = Command("qemu-img", ["compare", "-f", "raw", "-F", driver, disk, folder.path(name)])
        let output = try await SystemCommandRunner().execute(compare)
        #expect(output.status.isSuccess, "\(output)")
    }
}

/// Notices and warnings.
private final class NoticeLog: Sendable {
    private let texts = Mutex<[String]>([])
    var lines: [String] { texts.withLock { $0 } }
    var sink: EventSink {
        { event in
            switch event {
            case .notice(let text), .warning(let text): self.texts.withLock { $0.append(text) }
            default: return
            }
        }
    }
}
