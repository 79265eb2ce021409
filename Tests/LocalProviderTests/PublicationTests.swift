import DiskImages
import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The local bucket")
struct PublicationTests {
    private func publication(_ root: String) -> ImagePublication {
        ImagePublication(
            bucket: LocalBucket(root: root, prefix: "p"),
            verifier: PasswordVerifier(runner: SystemCommandRunner(), path: "\(root)/password"),
            now: { Date(timeIntervalSince1970: 0) })
    }

    /// Publishes one raw image with a known content.
    private func publish(_ fixture: Fixture, _ root: String, _ content: String = "image") async throws -> [Artifact] {
        let publication = publication(root)
        let order = try fixture.order()
        let folder = try await publication.prepare(order, undo: Undo())
        let partial = "\(folder)/\(ConvertedImage.partialName(of: "small-1.0.raw"))"
        try writeAtomically(content, to: partial)
        let image = ConvertedImage(
            format: .raw, temporaryPath: partial, finalName: "small-1.0.raw", bytes: Int64(content.utf8.count),
            sha256: try sha256(of: partial))
        return try await publication.publish([image], of: order, missing: [], inputs: "inputs")
    }

    @Test("gives images their final names, with checksums and a manifest")
    func publishing() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/bucket"
            let artifacts = try await publish(fixture, root)
            #expect(artifacts.map(\.location) == ["\(root)/p/1.0/small-1.0.raw"])
            let check = Command("sha256sum", ["--check", "--strict", "SHA256SUMS"], workingDirectory: "\(root)/p/1.0")
            #expect(try await SystemCommandRunner().execute(check).status.isSuccess)
            let manifest = try #require(publication(root).bucket.manifest(AssetID("1.0")))
            #expect(manifest.files.map(\.name) == ["small-1.0.raw"])
            #expect(manifest.inputs == "inputs")
        }
    }

    @Test("is found finished only for the same inputs, formats, password and content")
    func finished() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/bucket"
            let artifacts = try await publish(fixture, root)
            let images = FinishedImages(bucket: publication(root).bucket, verifier: publication(root).verifier)
            let found = try await images.find(fixture.order(), inputs: "inputs")
            #expect(found?.artifacts == artifacts)
            let generated = try fixture.order(password: .generated(Secret("made up now")))
            #expect(try await images.find(generated, inputs: "inputs") != nil)
            #expect(try await images.find(fixture.order(), inputs: "others") == nil)
            #expect(try await images.find(fixture.order(password: .given(Secret("two"))), inputs: "inputs") == nil)
            var more = fixture
            more.definition.formats = [.raw, .vhd]
            #expect(try await images.find(more.order(), inputs: "inputs") == nil)
            try writeAtomically("damaged", to: artifacts[0].location)
            #expect(try await images.find(fixture.order(), inputs: "inputs") == nil)
        }
    }

    @Test("keeps no password, only a hash readable by its owner")
    func password() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/bucket"
            _ = try await publish(fixture, root)
            let kept = try readText("\(root)/password")
            #expect(kept.hasPrefix("$6$"))
            #expect(!kept.contains("one"))
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/password")
            #expect(attributes[.posixPermissions] as? UInt == 0o600)
        }
    }

    @Test("undo removes half-written exports, but no foreign files")
    func undo() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/bucket"
            let undo = Undo()
            let folder = try await publication(root).prepare(fixture.order(), undo: undo)
            try writeAtomically("half", to: "\(folder)/\(ConvertedImage.partialName(of: "small-1.0.raw"))")
            try writeAtomically("mine", to: "\(folder)/notes.txt")
            #expect(await undo.unwind() == [])
            #expect(publication(root).bucket.files(try AssetID("1.0")) == ["notes.txt"])
        }
    }

    @Test("a file of somebody else under a name that is needed is refused, one of ours is not")
    func intruder() async throws {
        try await Fixture.with { fixture in
            let root = "\(fixture.folder)/bucket"
            let bucket = publication(root).bucket
            _ = try await publish(fixture, root)
            try bucket.requireRoom(for: fixture.order())
            try removeFile(bucket.manifestPath(AssetID("1.0")))
            #expect(throws: Failure.self) { try bucket.requireRoom(for: fixture.order()) }
        }
    }
}
