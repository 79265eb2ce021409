import Glibc

/// An IPv4 or IPv6 network in the form that AWS WAF accepts.
package struct IPNetwork: Sendable, Hashable {
    package enum Version: Sendable {
        case v4, v6
    }

    /// The error for a text that is not a network.
    package struct Mistake: Error, Sendable, Equatable {
        package var message: String
    }

    package let version: Version
    /// The network in CIDR notation, with the address in its shortest form.
    package let text: String

    /// - Parameter text: a network in CIDR notation (`192.0.2.0/24`), or a single address.
    package init(_ text: String) throws(Mistake) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let isV6 = parts[0].contains(":")
        guard let bytes = Self.bytes(of: parts[0], isV6 ? AF_INET6 : AF_INET, count: isV6 ? 16 : 4) else {
            throw Mistake(
                message: "'\(text)' is not an IP address or network, such as 192.0.2.0/24 or 2001:db8::/32")
        }
        let longest = bytes.count * 8
        // AWS accepts every prefix length except /0, which would be the whole internet.
        guard let length = parts.count == 1 ? longest : Int(parts[1]), (1...longest).contains(length) else {
            throw Mistake(
                message: "'\(text)': the prefix length of an \(isV6 ? "IPv6" : "IPv4") network is 1 to \(longest) bits")
        }
        let network = Self.network(of: bytes, length)
        guard network == bytes else {
            throw Mistake(
                message: "'\(text)' has host bits set; the network is \(Self.spelled(network, isV6))/\(length)"
            )
        }
        version = isV6 ? .v6 : .v4
        self.text = "\(Self.spelled(bytes, isV6))/\(length)"
    }

    private static func bytes(of text: String, _ family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func network(of bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    private static func spelled(_ bytes: [UInt8], _ isV6: Bool) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(isV6 ? AF_INET6 : AF_INET, bytes, &buffer, socklen_t(buffer.count))
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
