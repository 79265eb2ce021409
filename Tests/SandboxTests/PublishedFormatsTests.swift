import FoundationEssentials
import Testing

@testable import Sandbox

@Suite("The formats that are published after a build")
struct PublishedFormatsTests {
    private func manifest(_ formats: [ImageFormat]) throws -> Manifest {
        let order = try order()
        let files = formats.map {
            Manifest.File(name: order.imageName($0), format: $0, bytes: 1, sha256: "00")
        }
        return Manifest(order, files: files, inputs: "i", built: Date(timeIntervalSince1970: 0))
    }

    @Test(
        "formats are added, and removed only where that was asked for",
        arguments: [
            ([.vhd, .vmdk], [.qcow2], false, [.vhd, .vmdk, .qcow2]), ([.vhd, .vmdk], [.vmdk], false, [.vhd, .vmdk]),
            ([.vhd, .vmdk], [.raw, .vmdk], true, [.vmdk, .raw]), ([.vhd], [.ova], true, [.ova]),
            ([], [.vhd, .raw], false, [.vhd, .raw]),
        ] as [([ImageFormat], [ImageFormat], Bool, [ImageFormat])])
    func formats(published: [ImageFormat], wanted: [ImageFormat], only: Bool, expected: [ImageFormat]) throws {
        var order = try order()
        order.definition.formats = wanted
        order.keepsOnlyItsFormats = only
        #expect(try manifest(published).formats(after: order) == expected)
    }

    @Test("a new system says which images it replaces, and which it removes")
    func notice() throws {
        let manifest = try manifest([.vhd, .vmdk])
        #expect(
            manifest.replacementNotice([.vmdk, .vhd, .raw])
                == "replacing the images of an earlier build of 1 (vhd, vmdk) as soon as the new ones are complete")
        #expect(
            manifest.replacementNotice([.vmdk])?.hasSuffix("; not built again, and therefore removed: vhd") == true)
        #expect(try self.manifest([]).replacementNotice([.vhd]) == nil)
    }
}
