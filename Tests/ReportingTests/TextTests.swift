import FoundationEssentials
import Testing

@testable import Reporting

struct TextTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢", 2), ("ﾊ", 1), ("Ａ", 2), ("한", 2), ("\u{1112}\u{1161}", 2),
        ("✓", 1), ("█", 1), ("👍🏽", 2), ("👩‍👩‍👧‍👦", 2), ("🇩🇪", 2), ("❤️", 2), ("❤", 1), ("\u{200B}", 0), ("\u{AD}", 1),
        ("\r\n", 0),
    ])
    func columns(text: String, width: Int) {
        #expect(text.displayWidth == width)
    }

    @Test(arguments: [
        ("short", 10, "short"), ("abcdefghij", 5, "ab…ij"), ("abcdefghij", 4, "ab…j"), ("abc", 1, "a"), ("abc", 0, ""),
        ("漢字漢字", 5, "漢…字"), ("漢字漢字", 4, "漢…"),
    ])
    func theMiddleIsLeftOut(text: String, width: Int, result: String) {
        #expect(text.ellipsized(to: width, Samples.narrow) == result)
    }

    @Test(arguments: [
        ("", 5, [""]), ("a bc def", 4, ["a bc", "def"]), ("abcdefgh ij", 3, ["abc", "def", "gh", "ij"]),
        ("漢字漢", 4, ["漢字", "漢"]),
    ])
    func linesAreBrokenBetweenWords(text: String, width: Int, lines: [String]) {
        #expect(text.wrapped(to: width) == lines)
    }

    @Test(arguments: [
        ("\u{1B}[1;31mred\u{1B}[0m", "red"), ("\u{1B}]0;title\u{7}x", "x"), ("\u{1B}]8;;http://x\u{1B}\\link", "link"),
        ("\u{1B}(Bx", "x"), ("a\tb\u{8}\u{0}c\u{9B}", "a bc"), ("\u{1B}[31", ""), ("\u{1B}7\u{1B}[2Kx", "x"),
    ])
    func controlCharactersAreTakenOut(text: String, printable: String) {
        #expect(text.printable == printable)
    }

    @Test(arguments: [
        (0, "0.0 s"), (0.04, "0.0 s"), (34.06, "34.1 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"), (3725, "1 h 02 min"), (-1, "0.0 s"), (.nan, "0.0 s"), (.infinity, "0.0 s"),
    ])
    func times(seconds: Double, text: String) {
        #expect(Units.time(seconds) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9_994, "9.99 kB"), (9_996, "10.0 kB"), (99_960, "100 kB"),
        (999_499, "999 kB"), (999_500, "1.00 MB"), (36_400_000, "36.4 MB"), (1_363_148_800, "1.36 GB"),
        (Int64.max, "9223 PB"),
    ])
    func sizes(bytes: Int64, text: String) {
        #expect(Units.size(bytes) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_363_148_800, "1,363,148,800"), (-1234, "-1,234")])
    func exactSizes(number: Int64, text: String) {
        #expect(Units.exact(number) == text)
    }

    @Test(arguments: [
        (0, ""), (0.001, "▏"), (0.5, "█████"), (0.55, "█████▌"), (1, "██████████"), (7, "██████████"), (.nan, ""),
    ])
    func bars(fraction: Double, bar: String) {
        #expect(ProgressBar.filled(fraction, width: 10, Samples.narrow) == bar)
    }

    @Test(arguments: ["", "a\"b\\c/d", "\u{0}\u{1F}\n\r\t\u{7F}", "\r\n", "漢字 👩‍👩‍👧‍👦", "\u{2028}"])
    func foundationReadsTheJSONBack(text: String) throws {
        for json in [JSONValue.array([.string(text)]).line, JSONValue.array([.string(text)]).pretty] {
            #expect(try JSONDecoder().decode([String].self, from: Data(json.utf8)) == [text])
        }
    }

    @Test func numbersThatJSONHasNotAreNull() {
        let value = JSONValue.array([.number(.nan), .number(-.infinity), .number(2), .seconds(1.23456), .integer(.max)])
        #expect(value.line == "[null,null,2,1.235,9223372036854775807]")
    }
}
