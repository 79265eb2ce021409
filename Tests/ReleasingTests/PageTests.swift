import Foundation
import Sandbox
import Testing

@testable import Releasing

@Suite("Download page")
struct PageTests {
    private func page(_ releases: [PublishedRelease]) async throws -> ParsedPage {
        try await .read(DownloadPage(releases).html)
    }

    @Test("every file is linked once, with size and digest, every AMI stands in its region")
    func contents() async throws {
        let releases = [
            try sampleRelease("0.2.0", version: "0.2.0"), try sampleRelease("old one", version: "0.1.0", day: 3),
        ]
        let page = try await page(releases)
        #expect(page.links.filter(\.download).map(\.href) == releases.flatMap { $0.files.map(\.url) })
        #expect(page.links.filter(\.download).map(\.text) == releases.flatMap { $0.files.map(\.name) })
        #expect(page.tables.count == 4)
        for (index, release) in releases.enumerated() {
            let rows = page.tables[2 * index].rows.dropFirst()
            #expect(rows.map(\.[2]) == release.files.map { $0.sha256 ?? "not available" })
            #expect(rows.map(\.[1]) == ["1.36 GB", "1.20 GB", "900 kB"])
            let images = page.tables[2 * index + 1].rows.dropFirst()
            #expect(
                images.map { "\($0[0]) \($0[1])" } == [
                    "eu-central-1 ami-0123456789abcdef0 (private)", "us-east-1 ami-0123456789abcdef1",
                ])
        }
        #expect(
            page.headings.map(\.text).filter { $0.hasPrefix("Version") } == [
                "Version 0.2.0", "Version 0.1.0 (old one)",
            ])
        #expect(
            page.headings.filter { $0.level == 4 }.map(\.text).prefix(5) == [
                "VirtualBox", "VMware", "Hyper-V", "QEMU", "AWS",
            ])
        #expect(page.commands.contains { $0.contains("file=sandbox.qcow2,format=qcow2") })
        #expect(page.links.contains { $0.href == "data_science_sandbox/0.2.0/SHA256SUMS" })
        #expect(
            page.links.filter { $0.text == "START.md" }.compactMap(\.href) == [
                "data_science_sandbox/0.2.0/START.md", "data_science_sandbox/old one/START.md",
            ])
    }

    @Test(
        "a release in one format has the steps for what takes it",
        arguments: [
            (ImageFormat.vhdx, ["Hyper-V"]), (.vhdFixed, ["Azure"]), (.gcp, ["Google Cloud"]),
            (.vmdkSparse, ["VirtualBox", "VMware"]),
        ])
    func places(format: ImageFormat, titles: [String]) throws {
        let file = Manifest.File(name: format.fileName("lab-1"), format: format, bytes: 1, sha256: nil)
        let release = PublishedRelease(try sampleManifest(files: [file]), images: []) { $0 }
        let places = StartGuide(release).places
        #expect(places.map(\.title) == titles)
        #expect("\(places)".contains(file.name))
    }

    @Test("is whole, accessible and readable in both colour schemes")
    func accessibility() async throws {
        let page = try await page([try sampleRelease(), try sampleRelease("0.0.9", version: "0.0.9", day: 3)])
        #expect(page.mistakes.isEmpty)
        #expect(page.lang == "en")
        #expect(page.landmarks == ["header", "nav", "main", "footer"])
        #expect(page.headings.filter { $0.level == 1 }.count == 1)
        for (one, next) in zip(page.headings, page.headings.dropFirst()) { #expect(next.level <= one.level + 1) }
        #expect(Set(page.ids).count == page.ids.count)
        let inner = page.links.compactMap(\.href).filter { $0.hasPrefix("#") }.map { String($0.dropFirst()) }
        #expect(inner.count == 3 && inner.allSatisfy(page.ids.contains))
        for table in page.tables {
            #expect(table.caption?.isEmpty == false)
            #expect(table.scopes.allSatisfy { $0 == "col" || $0 == "row" })
        }
        #expect(page.links.allSatisfy { !$0.text.isEmpty })
        #expect(page.contrasts.count == 2 && page.contrasts.allSatisfy { $0 >= 4.5 }, "\(page.contrasts)")
    }

    @Test("needs nothing from elsewhere, and runs nothing")
    func selfContained() async throws {
        let page = try await page([try sampleRelease()])
        #expect(page.addresses.allSatisfy { !$0.contains("//") && !$0.contains(":") }, "\(page.addresses)")
        #expect(page.fetched.isEmpty && page.handlers.isEmpty)
        #expect(Set(page.elements).isDisjoint(with: ["script", "img", "iframe", "link", "form", "object", "base"]))
    }

    @Test("shows whatever names there are, and becomes nothing else by them")
    func escaping() async throws {
        var release = try sampleRelease()
        let odd = #"a<script>alert(1)</script>&amp;"x' {{name}}"#
        release.files[0].name = odd
        release.files[0].url = #"x"onclick="a"#
        release.images[0].name = odd
        release.missing = [MissingComponent(component: odd, reason: "</p><b>")]
        release.user = odd
        let page = try await page([release])
        #expect(page.mistakes.isEmpty && page.handlers.isEmpty && !page.elements.contains("script"))
        #expect(page.links.filter(\.download)[0].text == odd)
        #expect(page.links.filter(\.download)[0].href == #"x"onclick="a"#)
        #expect(page.text.contains("Missing component \(odd):") && page.text.contains("</p><b>"))
        #expect(try DownloadPage([release], title: "<b>").html.contains("<title>&lt;b&gt;: downloads</title>"))
    }

    @Test("a missing release, and missing files of a release, are reported")
    func sparse() async throws {
        #expect(try await page([]).text.contains("There are no releases yet."))
        var release = try sampleRelease()
        (release.files, release.images) = ([], [])
        let page = try await page([release])
        #expect(page.tables.isEmpty && page.mistakes.isEmpty)
    }

    @Test("releases.json says the same, and the same each time")
    func document() throws {
        let release = try sampleRelease()
        let text = ReleasesDocument.json([release], base: "https://d1.cloudfront.net/")
        #expect(text == ReleasesDocument.json([release], base: "https://d1.cloudfront.net/"))
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]]
        let read = try #require(object?["releases"]?.first)
        let files = read["files"] as? [[String: Any]] ?? []
        #expect(files.map { $0["sha256"] as? String } == release.files.map(\.sha256))
        #expect(files.first?["url"] as? String == "https://d1.cloudfront.net/data_science_sandbox/0.1.0/sandbox.vhd")
        #expect((read["images"] as? [[String: Any]])?.map { $0["public"] as? Bool } == [false, true])
    }
}
