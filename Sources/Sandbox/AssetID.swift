/// The name under which everything that one build makes is tagged, listed and removed.
///
/// It stands in file names, AMI names, tags and S3 keys, so it is held to what all of them take:
/// 1 to 64 ASCII letters, digits, dots, blanks, underscores and dashes, with a letter or digit at both ends.
package struct AssetID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String
    package var description: String { rawValue }

    /// - Throws: `Failure` with code `.usage` that says which character or length is wrong.
    package init(_ text: String) throws {
        guard (1...64).contains(text.utf8.count) else {
            throw Failure(.usage, "an asset id has 1 to 64 characters, '\(text)' has \(text.utf8.count)")
        }
        if let bad = text.unicodeScalars.first(where: { !Self.isAllowed($0) }) {
            throw Failure(
                .usage, "the asset id '\(text)' contains '\(bad)'",
                advice: "use letters, digits, dots, blanks, underscores and dashes")
        }
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last,
            Self.isAlphanumeric(first), Self.isAlphanumeric(last)
        else {
            throw Failure(.usage, "the asset id '\(text)' must begin and end with a letter or a digit")
        }
        rawValue = text
    }

    /// The id as names in AWS take it: dots, blanks and underscores become dashes.
    package var dashed: String { Self.dashed(rawValue) }

    package static func dashed(_ id: String) -> String {
        String(id.map { ". _".contains($0) ? "-" : $0 })
    }

    package init(from decoder: any Decoder) throws {
        try self.init(String(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try rawValue.encode(to: encoder)
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        isAlphanumeric(scalar) || "._- ".unicodeScalars.contains(scalar)
    }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    }
}
