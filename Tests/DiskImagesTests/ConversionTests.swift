import Sandbox
import Testing
import Workbench

@testable import DiskImages

struct ConversionTests {
    @Test(arguments: [
        (ImageFormat.vhd, "convert -p -f raw -O vpc -o subformat=dynamic,force_size=on /a /b"),
        (.vhdFixed, "convert -p -f raw -O vpc -o subformat=fixed,force_size=on /a /b"),
        (.vhdx, "convert -p -f raw -O vhdx -o subformat=dynamic,block_size=1M /a /b"),
        (
            .vmdkSparse,
            "convert -p -f raw -O vmdk -o subformat=monolithicSparse,adapter_type=lsilogic,hwversion=14 /a /b"
        ),
        (.qcow2, "convert -p -m 8 -W -f raw -O qcow2 -c -o compression_type=zstd /a /b"),
        (.raw, "convert -p -f raw -O raw /a /b"),
    ])
    func commands(format: ImageFormat, words: String) {
        let command = Conversion(format: format, source: "/a", target: "/b").command
        #expect(command.shellLine == "LC_ALL=C qemu-img \(words)")
    }

    @Test func anArchiveForGoogleCloud() {
        let archive = DiskArchive(path: "/b:c/.s.tar.gz.partial")
        let start = "LC_ALL=C tar --force-local --file /b:c/.s.tar.gz.partial"
        #expect(
            archive.packing("/a/disk,a.raw", processors: 1).shellLine
                == "\(start) --create '--use-compress-program=pigz --no-name -6 --processes 2' --format=oldgnu "
                + "--dereference --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 '--transform=s,.*,disk.raw,' "
                + "--checkpoint=8192 --checkpoint-action=echo=%u --directory /a -- disk,a.raw")
        #expect(
            archive.comparison(with: "/a/it's.raw").arguments.contains(#"--to-command=cmp -- - '/a/it'\''s.raw'"#))
        #expect(
            archive.unpacking(to: "/a/b.raw").shellLine
                == "\(start) --extract --gzip '--to-command=cp --sparse=always -- /dev/stdin /a/b.raw' -- disk.raw")
    }

    @Test func theContentOfAnArchive() {
        let line = "-rw-r--r-- 0/0 8589934592 1970-01-01 00:00 disk.raw\n"
        #expect(DiskArchive.size(in: line) == 8 << 30)
        for other in ["", line + line, line.replacing("disk", with: "other"), line.replacing("-rw", with: "lrw")] {
            #expect(DiskArchive.size(in: other) == nil, "\(other)")
        }
        #expect(DiskArchive.fraction(in: "tar: 8192", of: 160 << 20) == 0.5)
        #expect(DiskArchive.fraction(in: "tar: 8192", of: 1) == 1)
        #expect(DiskArchive.fraction(in: "tar: disk.raw: file changed as we read it", of: 1) == nil)
    }

    @Test func qemuReadsNoArchive() {
        let failure = #expect(throws: Failure.self) { try QemuBlockNode(path: "/a b.tar.gz", format: .gcp) }
        #expect(failure?.code == .badData)
        #expect(failure?.advice?.hasSuffix("tar --extract --gzip --force-local --file '/a b.tar.gz'") == true)
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
