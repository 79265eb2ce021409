import Sandbox
import Testing

@testable import Reporting

struct TableTests {
    @Test(arguments: [("80", Samples.narrow), ("160", Samples.wide), ("piped", Style.piped)])
    func assetsAsText(name: String, style: Style) throws {
        let table = AssetListing(Samples.assets, on: .host, empty: "no assets")
        try expectGolden(table.rendered(as: .text, style), "assets-\(name)")
    }

    @Test func assetsForPrograms() throws {
        let table = AssetListing(Samples.assets, on: .host, empty: "no assets")
        try expectGolden(table.rendered(as: .json, .piped), "assets-json")
        try expectGolden(table.rendered(as: .markdown, .piped), "assets-markdown")
    }

    @Test(arguments: [
        ("60", Style(color: false, unicode: true, width: 60)), ("160", .init(color: true, unicode: true, width: 160)),
        ("piped", .piped),
    ])
    func assetsOnAWSAsText(name: String, style: Style) throws {
        try expectGolden(Samples.awsListing.rendered(as: .text, style), "aws-assets-\(name)")
    }

    @Test func assetsOnAWSForPrograms() throws {
        try expectGolden(Samples.awsListing.rendered(as: .json, .piped), "aws-assets-json")
        try expectGolden(Samples.awsListing.rendered(as: .markdown, .piped), "aws-assets-markdown")
    }

    @Test func anEmptyTableSaysSo() {
        let table = AssetListing([], on: .host, empty: "no assets match '6.*'")
        #expect(table.rendered(as: .text, Samples.narrow) == "no assets match '6.*'\n")
        #expect(table.rendered(as: .markdown, Samples.narrow) == "no assets match '6.\\*'\n")
        #expect(table.rendered(as: .json, Samples.narrow) == "[]\n")
    }

    @Test(arguments: [("80", Samples.narrow), ("160", Samples.wide), ("color", Samples.colored)])
    func tools(name: String, style: Style) throws {
        try expectGolden(Table.tools(Samples.tools).rendered(as: .text, style), "tools-\(name)")
    }

    @Test func toolsThatAreMissingHaveNoVersion() throws {
        try expectGolden(Table.tools(Samples.tools).rendered(as: .json, .piped), "tools-json")
    }

    /// A table fits the terminal without shortening its ids, as long as the terminal is as wide as the ids need.
    @Test(arguments: 54...120) func aTableKeepsToTheTerminal(width: Int) {
        let text = AssetListing(Samples.assets, on: .host, empty: "no assets")
            .rendered(as: .text, Style(color: false, unicode: true, width: width))
        #expect(text.split(separator: "\n").allSatisfy { $0.displayWidth <= width })
        #expect(text.contains("6.0 beta"))
        #expect(text.contains("build-directory"))
    }

    @Test func wideCharactersKeepTheColumnsStraight() {
        let table = Table(
            [Table.Column("name"), Table.Column("n", .right)], rows: [["漢字", "1"], ["e\u{301}", "10"], ["👩‍👩‍👧‍👦", "2"]])
        #expect(table.text(Samples.ascii) == "name   n\n----  --\n漢字   1\ne\u{301}     10\n👩‍👩‍👧‍👦     2\n")
    }

    @Test func markdownShowsTextAsItIs() {
        let table = Table([Table.Column("a|b")], rows: [["<x> *y*\n`z`"]])
        #expect(table.markdown == "| a\\|b |\n| --- |\n| \\<x\\> \\*y\\* \\`z\\` |\n")
    }
}
