import FoundationEssentials
import Testing

@testable import Sandbox

/// What both stores have by `AssetFolder`, in a store in memory.
@Suite("The folder of an asset id")
struct AssetFolderTests {
    private let store = MemoryStore()

    private func folder() throws -> AssetFolder<MemoryStore> {
        AssetFolder(store, try AssetID("1"), under: "p")
    }

    private func manifest(_ formats: [ImageFormat], inputs: String = "i") throws -> Manifest {
        let order = try order()
        let files = formats.map { Manifest.File(name: order.imageName($0), format: $0, bytes: 1, sha256: nil) }
        return Manifest(order, files: files, inputs: inputs, built: Date(timeIntervalSince1970: 0))
    }

    /// Publishes images as a provider does: claim, withdraw, put, publish.
    private func publish(_ formats: [ImageFormat], inputs: String = "i") async throws {
        let folder = try folder()
        let (old, new) = (try await folder.manifest(), try manifest(formats, inputs: inputs))
        try await folder.claim(Set((old?.files ?? []).map(\.name) + new.files.map(\.name)))
        try await folder.withdrawImages()
        for file in new.files { try store.write("x", to: folder.key(file.name), contentType: "") }
        _ = try await folder.publish(images: new, replacing: old)
    }

    private var names: [String] { store.objects.keys.map { String($0.dropFirst("p/1/".count)) }.sorted() }

    private func finished(_ formats: [ImageFormat], inputs: String = "i") async throws -> Bool {
        var order = try order()
        order.definition.formats = formats
        return try await folder().finished(order, inputs: inputs) != nil
    }

    @Test("a publication that is killed at any change is taken over by the next one, and nothing obsolete stays")
    func killed() async throws {
        var changes = 0
        while true {
            for name in store.objects.keys { try store.delete([name]) }
            try await publish([.vhd, .raw])
            store.die(after: changes)
            let wasKilled = await (try? publish([.vmdk, .raw], inputs: "j")) == nil
            store.die(after: .max)
            let isClaimed = store.objects["p/1/\(Manifest.claimFileName)"] != nil
            let isFinished = try await finished([.vmdk, .raw], inputs: "j")
            #expect(!(isClaimed && isFinished), "killed after \(changes) changes")
            // Whatever is there is known as ours.
            try await folder().requireFree(["lab-1.vhd", "lab-1.raw", "lab-1.vmdk"])
            try await publish([.vmdk, .raw], inputs: "j")
            let expected = [
                Manifest.checksumsFileName, StartInstructions.fileName, "lab-1.raw", "lab-1.vmdk", Manifest.fileName,
            ]
            #expect(names == expected.sorted(), "killed after \(changes) changes")
            let isDone = try await finished([.vmdk, .raw], inputs: "j")
            #expect(isDone, "killed after \(changes) changes")
            guard wasKilled else { break }
            changes += 1
        }
        #expect(changes > 8)
    }

    @Test("only an object that nothing calls ours is in the way")
    func requireFree() async throws {
        let folder = try folder()
        store.put("theirs", at: folder.key("lab-1.vhd"))
        let failure = await #expect(throws: Failure.self) {
            try await folder.requireFree(["lab-1.vhd", "lab-1.raw"])
        }
        #expect(failure?.code == .badData && failure?.details == ["memory:p/1/lab-1.vhd"])
        store.put("ours", at: folder.key("lab-1.raw"), isMarked: true)
        try await folder.requireFree(["lab-1.raw", "lab-1.vmdk"])
    }

    @Test("a sandbox of another name is refused, with the way out")
    func otherSandbox() async throws {
        try await publish([.vhd])
        var other = try order()
        try await folder().requireSameSandbox(as: other)
        other.definition.name = "other"
        let order = other
        let failure = await #expect(throws: Failure.self) { try await folder().requireSameSandbox(as: order) }
        #expect(failure?.code == .badData && failure?.message.contains("'lab'") == true)
        #expect(failure?.message.contains("'other'") == true && failure?.advice?.contains("--asset-id") == true)
    }

    @Test("whoever can write to the store cannot have anything but images removed by way of the claim")
    func plantedClaim() async throws {
        let folder = try folder()
        try await publish([.vhd])
        let planted = [
            "../2/lab-2.vhd", "build-report.json", ".hidden.vhd", "manifest.json", "sub/lab-1.raw", "lab-1.raw",
        ]
        for name in planted { store.put("x", at: folder.key(name)) }
        let kept = try store.objects[folder.key("manifest.json")] ?? manifest([.vhd]).json
        store.put(kept, at: folder.key("manifest.json"))
        store.put(planted.joined(separator: "\n"), at: folder.key(Manifest.claimFileName))
        _ = try await folder.publish(images: manifest([.vhd]), replacing: nil)
        let gone = planted.filter { store.objects[folder.key($0)] == nil }
        #expect(gone == ["lab-1.raw"])
    }
}
