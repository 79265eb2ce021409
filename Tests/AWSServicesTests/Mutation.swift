/// Deterministic pseudorandom numbers, so that failures are reproducible.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Ways to corrupt a response.
enum Mutation: CaseIterable {
    case cut, flip, drop, double, swap, insert, element, number, kind

    func apply(to body: [UInt8], _ chance: inout Seeded) -> [UInt8] {
        guard body.count > 4 else { return body }
        var result = body
        let place = Int.random(in: 0..<body.count, using: &chance)
        let piece = place..<min(body.count, place + Int.random(in: 1...40, using: &chance))
        switch self {
        case .cut: return Array(body[..<place])
        case .flip: result[place] ^= 1 << UInt8.random(in: 0...7, using: &chance)
        case .drop: result.removeSubrange(piece)
        case .double: result.insert(contentsOf: body[piece], at: place)
        case .swap: result.swapAt(place, Int.random(in: 0..<body.count, using: &chance))
        case .insert: result.insert(contentsOf: Self.poison.randomElement(using: &chance)!, at: place)
        case .element: return element(of: body, near: place, &chance)
        case .number: return replacing(body, where: isDigit, near: place, Self.numbers, &chance)
        case .kind: return replacing(body, where: isLetter, near: place, Self.words, &chance)
        }
        return result
    }

    /// Drops, duplicates or renames an element or a quoted member.
    private func element(of body: [UInt8], near place: Int, _ chance: inout Seeded) -> [UInt8] {
        let marks = [UInt8(ascii: "<"), UInt8(ascii: "{"), UInt8(ascii: ",")]
        let ends = [UInt8(ascii: ">"), UInt8(ascii: "}"), UInt8(ascii: ",")]
        guard let start = body[place...].firstIndex(where: marks.contains),
            let end = body[(start + 1)...].firstIndex(where: ends.contains)
        else { return Array(body[..<place]) }
        let piece = Array(body[start...end])
        return switch Int.random(in: 0...3, using: &chance) {
        case 0: Array(body[..<start] + body[(end + 1)...])
        case 1: Array(body[..<start] + piece + piece + body[(end + 1)...])
        case 2: Array(body[..<start] + Array("<Other/>".utf8) + body[(end + 1)...])
        default: Array(body[..<start] + piece.reversed() + body[(end + 1)...])
        }
    }

    private func replacing(
        _ body: [UInt8], where belongs: (UInt8) -> Bool, near place: Int, _ texts: [String], _ chance: inout Seeded
    ) -> [UInt8] {
        guard let start = body[place...].firstIndex(where: belongs) else { return body }
        let end = body[start...].firstIndex { !belongs($0) } ?? body.count
        return Array(body[..<start] + Array(texts.randomElement(using: &chance)!.utf8) + body[end...])
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static let numbers = [
        "99999999999999999999999999", "-1", "-9223372036854775809", "1e400", "0x10", "NaN", "1.5", "", " 7 ",
        "\u{661}\u{662}", String(repeating: "9", count: 5000),
    ]
    private static let words = [
        "null", "true", "[]", "{}", "item", "member", "Error", "Response", "\u{0}", "\u{202E}",
        String(repeating: "x", count: 10_000),
    ]
    private static let poison: [[UInt8]] = [
        [0xFF, 0xFE], [0xC3], [0x00], Array("<".utf8), Array("&undefined;".utf8), Array("&#0;".utf8),
        Array("]]>".utf8), Array("<![CDATA[x]]>".utf8), Array("<!--".utf8), Array("<?php?>".utf8), Array("\"".utf8),
        Array("\\u0000".utf8), Array("\\uD800".utf8), Array("[[[[[[[[".utf8), Array("}".utf8),
    ]
}

/// Whole bodies that belong to no operation or attack the parser.
enum MaliciousResponse {
    static func bodies(insteadOf body: [UInt8]) -> [[UInt8]] {
        let text = String(decoding: body, as: UTF8.self)
        let root = text.firstMatch(of: /<(\w+) xmlns/).map { String($0.output.1) } ?? "Root"
        let laughs = (1...9).map { "<!ENTITY l\($0) \"\(String(repeating: "&l\($0 - 1);", count: 10))\">" }.joined()
        return [
            [], Array(" ".utf8), Array("null".utf8), Array("[]".utf8), Array("{}".utf8), Array("\"text\"".utf8),
            Array("<html><body><h1>Welcome to the hotel</h1></body></html>".utf8),
            Array("<!DOCTYPE html><html><body>Sign in<br></body></html>".utf8),
            Array("<\(root)/>".utf8), Array("<Other>\(text)</Other>".utf8.filter { $0 != UInt8(ascii: "?") }),
            Array("<!DOCTYPE x [<!ENTITY l0 \"ha\">\(laughs)]><\(root)>&l9;</\(root)>".utf8),
            Array("<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><\(root)>&f;</\(root)>".utf8),
            Array("<\(root)>\(String(repeating: "<a>", count: 100_000))".utf8),
            Array(
                "<\(root)>\(String(repeating: "<a>", count: 60))\(String(repeating: "</a>", count: 60))</\(root)>".utf8),
            Array(String(repeating: "[", count: 100_000).utf8),
            Array(String(repeating: "{\"a\":", count: 100_000).utf8),
            Array("<\(root) \(String(repeating: "a", count: 100_000))=\"1\"/>".utf8),
            [0xEF, 0xBB, 0xBF] + body, [0xFF, 0xFE] + body.flatMap { [$0, 0] }, body + body, body.reversed(),
            Array(text.replacing("UTF-8", with: "UTF-16").utf8), Array(text.replacing("UTF-8", with: "nonsense").utf8),
            Array(text.replacing("<?xml version=\"1.0\"?>", with: "<?xml version=\"1.0\" encoding=\"latin1\"?>").utf8),
        ]
    }
}
