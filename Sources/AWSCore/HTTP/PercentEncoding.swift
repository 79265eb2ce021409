/// Percent-encodes everything but the unreserved characters of RFC 3986, section 2.3, as SigV4 asks for.
/// - Parameter keepsSlash: leaves `/` alone, for paths.
package func percentEncoded(_ text: String, keepsSlash: Bool = false) -> String {
    if text.utf8.allSatisfy({ isUnreserved($0) || keepsSlash && $0 == UInt8(ascii: "/") }) { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 24)
    for byte in text.utf8 {
        if isUnreserved(byte) || keepsSlash && byte == UInt8(ascii: "/") {
            result.append(byte)
        } else {
            result.append(UInt8(ascii: "%"))
            result.append(hexDigits[Int(byte >> 4)])
            result.append(hexDigits[Int(byte & 15)])
        }
    }
    return String(decoding: result, as: UTF8.self)
}

private let hexDigits = Array("0123456789ABCDEF".utf8)

private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}

/// Hexadecimal digits in lower case, as in signatures and digests.
package func hex(_ bytes: some Sequence<UInt8>) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
        result.append(lowerHexDigits[Int(byte >> 4)])
        result.append(lowerHexDigits[Int(byte & 15)])
    }
    return String(decoding: result, as: UTF8.self)
}

private let lowerHexDigits = Array("0123456789abcdef".utf8)
