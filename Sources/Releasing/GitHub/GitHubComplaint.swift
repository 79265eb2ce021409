import AWSCore
import FoundationEssentials

/// What GitHub says of a request that it refuses.
struct GitHubComplaint: Decodable {
    struct Mistake: Decodable {
        var resource: String?
        var field: String?
        var code: String?
        var message: String?

        var sentence: String {
            message ?? [resource, field, code].compactMap(\.self).joined(separator: " ")
        }
    }

    var message: String
    var documentation: String?
    var mistakes: [Mistake]

    enum CodingKeys: String, CodingKey {
        case message
        case documentation = "documentation_url"
        case mistakes = "errors"
    }

    init(_ response: HTTPResponse) {
        if let complaint = try? JSONDecoder().decode(Self.self, from: Data(response.body)) {
            self = complaint
        } else {
            (message, documentation, mistakes) = ("status \(response.status)", nil, [])
        }
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        message = try values.decode(String.self, forKey: .message)
        documentation = try? values.decode(String.self, forKey: .documentation)
        // Some services behind GitHub's API send strings here.
        mistakes = (try? values.decode([Mistake].self, forKey: .mistakes)) ?? []
    }

    /// A secondary limit is a 403 like any other; nothing but its words, or the page that they name, tells.
    var isAboutRate: Bool {
        message.lowercased().contains("rate limit") || documentation?.contains("rate-limit") == true
    }
}
