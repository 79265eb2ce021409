import AWSTestSupport
import Foundation

/// A page as Tests/PageReader reads it.
struct ParsedPage: Decodable {
    struct Link: Decodable {
        var href: String?
        var text: String
        var download: Bool
    }

    struct Table: Decodable {
        var caption: String?
        var rows: [[String]]
        var scopes: [String?]
    }

    enum Heading: Decodable {
        case heading(level: Int, text: String)

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            self = .heading(level: try values.decode(Int.self), text: try values.decode(String.self))
        }

        var level: Int {
            switch self {
            case .heading(let level, _): level
            }
        }

        var text: String {
            switch self {
            case .heading(_, let text): text
            }
        }
    }

    var lang: String?
    var mistakes, ids, elements, landmarks, commands, addresses, handlers, fetched: [String]
    var headings: [Heading]
    var links: [Link]
    var tables: [Table]
    /// The least of each colour scheme.
    var contrasts: [Double]
    var text: String

    private static let reader = Result { try PythonProcess(["Tests/PageReader"]) }

    static func read(_ html: String) async throws -> ParsedPage {
        let path = "/tmp/dss-page-\(UUID().uuidString).html"
        try Data(html.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await JSONDecoder().decode(Self.self, from: Data(reader.get().ask(path).utf8))
    }
}
