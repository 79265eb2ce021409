import Sandbox

/// The notes of a release as people and this program write them together: its part is between markers, all else is
/// left alone.
struct NotesBody {
    static let begin = "<!-- dss:begin -->"
    static let end = "<!-- dss:end -->"
    /// Characters. Source: GitHub's API refuses longer ones with 422.
    static let limit = 125_000

    private let before: String
    private let own: String?
    private let after: String

    /// - Throws: `Failure` where the markers are not one pair: nobody knows then what may be replaced.
    init(_ body: String, of release: String) throws {
        let begins = body.ranges(of: Self.begin)
        let ends = body.ranges(of: Self.end)
        switch (begins.count, ends.count) {
        case (0, 0): (before, own, after) = (body, nil, "")
        case (1, 1) where begins[0].upperBound <= ends[0].lowerBound:
            before = String(body[..<begins[0].lowerBound])
            own = String(body[begins[0].upperBound..<ends[0].lowerBound])
            after = String(body[ends[0].upperBound...])
        default:
            throw Failure(
                .badData,
                "the notes of \(release) have \(begins.count) × \(Self.begin) and \(ends.count) × \(Self.end), or in the "
                    + "wrong order",
                advice: "edit the release: leave one of each, or none")
        }
    }

    /// - Returns: `nil` where they say it already. Line ends do not matter: GitHub's own editor writes others.
    func with(_ part: String) throws -> String? {
        let part = "\n" + part + "\n"
        if let own, own.replacing("\r\n", with: "\n") == part { return nil }
        var head = before
        if own == nil, !head.isEmpty { head += head.hasSuffix("\n\n") ? "" : head.hasSuffix("\n") ? "\n" : "\n\n" }
        let body = head + Self.begin + part + Self.end + after
        guard body.unicodeScalars.count <= Self.limit else {
            throw Failure(
                .badData, "the notes would have \(body.unicodeScalars.count) characters, GitHub takes \(Self.limit)",
                advice: "shorten the section of the changelog")
        }
        return body
    }
}
