import DiskImages
import FoundationEssentials
import Provisioning
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The local bucket")
struct PublicationTests {
    private func folder(_ root: String) throws -> AssetFolder<DirectoryStore> {
        AssetFolder(DirectoryStore(root), try AssetID("1.0"), under: "p")
    }

    private func inputs(of order: BuildOrder) throws -> String {
        try BuildInputs(order).diskDigest(of: order.definition, program: "program")
    }

    private func provider(_ root: String) throws -> LocalVMProvider {
        let runner = SystemCommandRunner()
        return LocalVMProvider(
            runner: runner,
            factory: LocalMachineFactory(
                runner: runner, cacheDirectory: "\(root)/cache", stateDirectory: root,
                host: HostSettings()),
            folder: try folder(root), stateDirectory: root, programDigest: "program",
            now: { Date(timeIntervalSince1970: 0) })
    }

    /// Publishes one raw image with a known content.
    /// - Parameter isReproducible: whether the image is the result of its inputs alone.
    private func publish(
        _ fixture: Fixture, _ root: String, _ content: String = "image", isReproducible: Bool = true
    ) async throws -> [Artifact] {
        let provider = try provider(root)
        let order = try fixture.order()
        let folder = try folder(root)
        try await folder.prepare(in: Scope())
        let partial = "\(folder.path)/\(ConvertedImage.partialName(of: "small-1.0.raw"))"
        try writeAtomically(content, to: partial)
        let image = ConvertedImage(
            file: Manifest.File(
                name: "small-1.0.raw", format: .raw, bytes: Int64(content.utf8.count),
                sha256: try sha256(of: partial)),
            temporaryPath: partial)
        let inputs = isReproducible ? try provider.inputs(of: order) : nil
        return try await provider.publish([image], of: order, missing: [], inputs: inputs)
    }

    @Test("gives images their final names, with checksums and a manifest")
    func publishing() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let artifacts = try await publish(fixture, root)
            #expect(artifacts.map(\.location) == ["\(root)/p/1.0/small-1.0.raw"])
            let check = Command("sha256sum", ["--check", "--strict", "SHA256SUMS"], workingDirectory: "\(root)/p/1.0")
            #expect(try await SystemCommandRunner().execute(check).status.isSuccess)
            let manifest = try #require(await folder(root).manifest())
            #expect(manifest.files.map(\.name) == ["small-1.0.raw"])
            #expect(manifest.inputs == (try inputs(of: fixture.order())))
            #expect(try readText("\(root)/p/1.0/START.md") == StartInstructions(manifest).markdown)
        }
    }

    @Test("START.md is written anew with the images, and goes with them")
    func startInstructions() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let folder = try folder(root)
            let path = folder.path(StartInstructions.fileName)
            _ = try await publish(fixture, root)
            let text = try readText(path)
            #expect(text.contains("small-1.0.raw"), "\(text)")
            try writeAtomically("of an earlier version", to: path)
            _ = try await publish(fixture, root, "another image")
            #expect(try readText(path) == text)
            try await folder.withdrawImages()
            #expect(folder.store.list("p/1.0/").map(\.key) == ["p/1.0/small-1.0.raw"])
        }
    }

    @Test("an image from a machine that was kept is never up to date")
    func touched() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            _ = try await publish(fixture, root, isReproducible: false)
            #expect(try await folder(root).manifest()?.inputs == nil)
            #expect(try await provider(root).finished(fixture.order()) == nil)
        }
    }

    @Test("is found finished only for the same inputs, formats, password and content")
    func finished() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let artifacts = try await publish(fixture, root)
            let provider = try provider(root)
            let found = try await provider.finished(fixture.order())
            #expect(found?.artifacts == artifacts)
            let generated = try fixture.order(password: .generated(Secret("made up now")))
            #expect(try await provider.finished(generated) != nil)
            let refusal = try await #require(throws: Failure.self) {
                try await provider.finished(fixture.order(password: .given(Secret("two"))))
            }
            #expect(refusal.code == .badData && refusal.advice?.contains("--new-password") == true)
            var other = fixture
            other.definition.disk.sizeMiB += 1
            #expect(try await provider.finished(other.order()) == nil)
            var more = fixture
            more.definition.formats = [.raw, .vhd]
            #expect(try await provider.finished(more.order()) == nil)
            try writeAtomically("damaged", to: artifacts[0].location)
            #expect(try await provider.finished(fixture.order()) == nil)
            _ = try await publish(fixture, root)
            try removeFile(PasswordVerifier.path(of: folder(root), in: root))
            let unknown = try await #require(throws: Failure.self) { try await provider.finished(fixture.order()) }
            #expect(unknown.message.contains("unknown on this host"))
            #expect(try await provider.finished(generated) != nil)
        }
    }

    @Test("is not finished if a file outside of the playbook's folder has changed that the last step read")
    func outside() async throws {
        try await Fixture.with { fixture in
            let (root, order) = ("\(fixture.folder)/../bucket", try fixture.order())
            let outside = "\(parentDirectory(fixture.folder))/outside.yml"
            let factory = try provider(root).factory
            let plan = MachinePlan(order, try BuildInputs(order))
            let base = BaseRecipe(plan.base, profile: plan.profile, host: factory.host).key
            let layer = try #require(plan.layerKeys(above: base).last)
            func note(_ reads: [String: String]?) throws {
                try makeDirectory("\(factory.cache.directory)/layers")
                try CacheEntryManifest(
                    key: layer, inputs: [:], fingerprint: "", bytes: 0, missing: [], reads: reads
                ).write(factory.cache.manifest(.layers, layer))
            }
            try writeAtomically("a", to: outside)
            try note(["../outside.yml": sha256(ofText: "a")])
            _ = try await publish(fixture, root)
            #expect(try await provider(root).finished(order) != nil)
            try writeAtomically("b", to: outside)
            #expect(try await provider(root).finished(order) == nil)
            try writeAtomically("a", to: outside)
            #expect(try await provider(root).finished(order) != nil)
            // What counts is unknown after the cache was pruned.
            try removeFile(factory.cache.manifest(.layers, layer))
            #expect(try await provider(root).finished(order) == nil)
        }
    }

    @Test("keeps no password, only a hash readable by its owner")
    func password() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            _ = try await publish(fixture, root)
            let kept = try readText(PasswordVerifier.path(of: folder(root), in: root))
            #expect(kept.hasPrefix("$6$"))
            #expect(!kept.contains("one"))
            let attributes = try FileManager.default.attributesOfItem(
                atPath: PasswordVerifier.path(of: folder(root), in: root))
            #expect(attributes[.posixPermissions] as? UInt == 0o600)
        }
    }

    @Test("undo removes half-written exports, but no foreign files")
    func undo() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let undo = Undo()
            let folder = try folder(root)
            try await folder.prepare(in: Scope(undo))
            try writeAtomically("half", to: "\(folder.path)/\(ConvertedImage.partialName(of: "small-1.0.raw"))")
            try writeAtomically("mine", to: folder.path("notes.txt"))
            #expect(await undo.unwind() == [])
            #expect(folder.store.list("p/1.0/").map(\.key) == ["p/1.0/notes.txt"])
        }
    }

    @Test("a file of somebody else under a name that is needed is refused, one of ours is not")
    func intruder() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let folder = try folder(root)
            let names = try fixture.order().definition.formats.map(fixture.order().imageName)
            _ = try await publish(fixture, root)
            try await folder.requireFree(names)
            try removeFile(folder.path(Manifest.fileName))
            await #expect(throws: Failure.self) { try await folder.requireFree(names) }
        }
    }

    @Test("a build that was killed while it published leaves files that the next one knows as ours, and may replace")
    func killed() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let folder = try folder(root)
            let names = try fixture.order().definition.formats.map(fixture.order().imageName)
            _ = try await publish(fixture, root)
            #expect(!fileExists(folder.path(Manifest.claimFileName)))
            try await folder.claim(Set(names))
            try await folder.withdrawImages()
            #expect(!fileExists(folder.path(Manifest.fileName)))
            try await folder.requireFree(names)
            let added = "small-1.0.qcow2"
            try writeAtomically("somebody's", to: folder.path(added))
            await #expect(throws: Failure.self) { try await folder.requireFree([added]) }
            _ = try await publish(fixture, root)
            #expect(!fileExists(folder.path(Manifest.claimFileName)))
        }
    }

    @Test("what a sandbox of another name published under the same asset id is refused, one's own is not")
    func otherSandbox() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let folder = try folder(root)
            var order = try fixture.order()
            try await folder.requireSameSandbox(as: order)
            _ = try await publish(fixture, root)
            try await folder.requireSameSandbox(as: order)
            order.definition.name = "other"
            let failure = await #expect(throws: Failure.self) { try await folder.requireSameSandbox(as: order) }
            #expect(failure?.code == .badData)
            // Before a machine starts, or anything else does that takes time.
            let provider = try provider(root)
            let refusal = await #expect(throws: Failure.self) { try await provider.requireBuildable(order) }
            #expect(refusal?.message == failure?.message)
            #expect(try await provider.plan(order).obstacle?.message == failure?.message)
            order.definition.name = "small"
            try await provider.requireBuildable(order)
            order.definition.formats = [.vhd]
            try writeAtomically("mine", to: folder.path("small-1.0.vhd"))
            let inTheWay = await #expect(throws: Failure.self) { try await provider.requireBuildable(order) }
            #expect(inTheWay?.message.contains("in the way") == true)
        }
    }

    @Test("images and the Docker image of an asset id share a manifest, and each is withdrawn without the other")
    func container() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/../bucket"
            let folder = try folder(root)
            let container = Manifest.Container(
                reference: "exasol/small:1.0", digest: "sha256:a", layers: [], missing: [], user: "ubuntu",
                jupyterPort: 49494, inputs: "i")
            let alone = Manifest(try fixture.order(), built: Date(timeIntervalSince1970: 0))
            try makeDirectory(folder.path)
            try await folder.publish(container: container, orElse: alone)
            #expect(try await folder.manifest()?.files == [])
            let artifacts = try await publish(fixture, root)
            #expect(try await folder.manifest()?.container == container)
            _ = try await publish(fixture, root, "another image")
            #expect(try await folder.manifest()?.container == container)

            try await folder.withdrawContainer()
            #expect(try await folder.manifest()?.files.map(\.name) == ["small-1.0.raw"])
            try await folder.publish(container: container, orElse: alone)
            try await folder.withdrawImages()
            #expect(try await folder.manifest()?.container == container)
            #expect(fileExists(artifacts[0].location) && !fileExists(folder.path(Manifest.checksumsFileName)))
            try await folder.withdrawContainer()
            #expect(!fileExists(folder.path(Manifest.fileName)))
        }
    }
}
