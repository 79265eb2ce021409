/// The name under which all results of a build are tagged, listed and removed.
///
/// File names, AMI names, tags and S3 keys contain the id, so it is limited to what all of them accept: 1 to 64 ASCII
/// letters, digits, dots, spaces, underscores and dashes, with a letter or digit at both ends.
package struct AssetID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String
    package var description: String { rawValue }

    /// Validates the text of an asset id.
    /// - Throws: `Failure` with code `.usage` that names the invalid character or length.
    package init(_ text: String) throws {
        guard (1...64).contains(text.utf8.count) else {
            throw Failure(.usage, "an asset id has 1 to 64 characters, '\(text)' has \(text.utf8.count)")
        }
        if let bad = text.unicodeScalars.first(where: { !Self.isAllowed($0) }) {
            throw Failure(
                .usage, "the asset id '\(text)' contains '\(bad)'",
                advice: "use letters, digits, dots, spaces, underscores and dashes")
        }
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last,
            Self.isAlphanumeric(first), Self.isAlphanumeric(last)
        else {
            throw Failure(.usage, "the asset id '\(text)' must begin and end with a letter or a digit")
        }
        rawValue = text
    }

    /// The id in the form that AWS names accept: dots, spaces and underscores become dashes.
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

/// The location of an asset id's files in a bucket. All code that stores, finds, downloads or removes them uses it.
extension AssetID {
    /// The common prefix of the keys of this asset id's files, and of no other keys: `data_science_sandbox/0.1.0/`.
    /// - Parameter prefix: the bucket prefix from the definition, without leading and trailing slashes.
    package func folder(under prefix: String) -> String { Self.folder(of: rawValue, under: prefix) }

    /// The folder of an id that was read from a tag or a key and that need not be a valid `AssetID`.
    package static func folder(of id: String, under prefix: String) -> String { "\(prefix)/\(id)/" }

    /// The key of one file: `data_science_sandbox/0.1.0/manifest.json`.
    package func key(of file: String, under prefix: String) -> String { folder(under: prefix) + file }
}

/// A pattern that selects assets by id: `6.1.0` matches only that id, `6.*` every id with that prefix, and `?` stands
/// for one character.
package struct AssetPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ pattern: String) {
        description = pattern
    }

    package var isExact: Bool { !description.contains(where: { "*?".contains($0) }) }

    package func matches(_ id: String) -> Bool {
        Self.matches(Array(description), Array(id))
    }

    /// Matches greedily and backtracks to the last star only. The time is linear in both lengths for typical patterns
    /// and never exceeds their product.
    private static func matches(_ pattern: [Character], _ text: [Character]) -> Bool {
        var p = 0
        var t = 0
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                p = last.pattern + 1
                t = last.text + 1
                star = (last.pattern, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
