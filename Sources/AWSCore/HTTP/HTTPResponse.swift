/// An HTTP answer, received whole: what is larger than memory is fetched in ranges.
package struct HTTPResponse: Sendable, Equatable {
    package var status: Int
    package var headers: [HTTPRequest.Pair]
    package var body: [UInt8]

    package init(status: Int, headers: [HTTPRequest.Pair] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The value of the first header of that name; case does not matter (RFC 9110, section 5.1).
    package func header(_ name: String) -> String? {
        headers.first { $0.name.utf8.elementsEqual(name.utf8, by: isSameLetter) }?.value
    }
}

private func isSameLetter(_ one: UInt8, _ other: UInt8) -> Bool {
    lowercased(one) == lowercased(other)
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
