import Sandbox
import Testing
import Workbench

@testable import DiskImages

struct ConversionTests {
    @Test(arguments: [
        (ImageFormat.vhd, "convert -p -f raw -O vpc -o subformat=dynamic,force_size=on /a /b"),
        (.vmdk, "convert -p -f raw -O vmdk -o subformat=streamOptimized /a /b"),
        (.qcow2, "convert -p -m 8 -W -f raw -O qcow2 -c -o compression_type=zstd /a /b"),
        (.raw, "convert -p -f raw -O raw /a /b"),
    ])
    func commands(format: ImageFormat, words: String) {
        let command = Conversion(format: format, source: "/a", target: "/b").command
        #expect(command.shellLine == "LC_ALL=C qemu-img \(words)")
    }

    @Test(
        arguments: [
            ("    (0.00/100%)\r", 0), ("    (12.50/100%)", 0.125), ("    (100.00/100%)\r", 1), ("", nil),
            ("(x/100%)", nil), ("qemu-img: error while writing", nil), (")/(", nil),
        ] as [(String, Double?)])
    func progressLines(line: String, fraction: Double?) {
        #expect(Conversion.fraction(in: line) == fraction)
    }

    @Test func oneLineForAllFormats() {
        let progress = ConversionProgress.progress(
            [.vhd, .vmdk, .ova], [.vhd: "done", .vmdk: "convert"], [.vhd: 1, .vmdk: 0.431])
        #expect(
            progress == Progress("vhd done · vmdk convert 43 % · ova wait", completed: 48, total: 100, unit: .percent))
    }

    @Test func commasInPathsAreDoubled() throws {
        let node = try QemuBlockNode(path: "/a,b/c,,d.vhd", format: .vhd).window(offset: 1 << 20, length: 512)
        #expect(
            node.options == "driver=raw,offset=1048576,size=512,file.driver=vpc,file.file.driver=file,"
                + "file.file.filename=/a,,b/c,,,,d.vhd")
    }

    @Test func partsHaveTheSameAmountOfData() {
        let mib: Int64 = 1 << 20
        #expect(CompareRange.split(extents: [0..<10 * mib], of: 100 * mib, into: 1) == [.whole(100 * mib)])
        #expect(CompareRange.split(extents: [], of: 100 * mib, into: 4) == [.whole(100 * mib)])
        #expect(
            CompareRange.split(extents: [0..<10 * mib, 50 * mib..<60 * mib], of: 100 * mib, into: 4) == [
                CompareRange(offset: 0, length: 5 * mib), CompareRange(offset: 5 * mib, length: 45 * mib),
                CompareRange(offset: 50 * mib, length: 5 * mib), CompareRange(offset: 55 * mib, length: 45 * mib),
            ])
        #expect(CompareRange.split(extents: [0..<512], of: mib, into: 8) == [.whole(mib)], "no empty parts")
    }

    @Test(arguments: [
        ("sandbox.vhd", ".sandbox.vhd.partial"), ("/b/6.1.0/sandbox.vmdk", "/b/6.1.0/.sandbox.vmdk.partial"),
    ])
    func partialNames(path: String, partial: String) {
        #expect(ConvertedImage.partialPath(of: path) == partial)
        #expect(ConvertedImage.isPartialName(String(partial.split(separator: "/").last!)))
        #expect(!ConvertedImage.isPartialName("sandbox.vhd"))
    }
}
