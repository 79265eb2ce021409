import FoundationEssentials

/// An operation of a service that speaks JSON 1.1: a document is posted to `/`, its name stands in a header.
package protocol JSONOperation: Operation, Codable where Output: Decodable {}

extension JSONOperation {
    package func encode(into request: inout HTTPRequest) throws {
        request.method = .post
        request.add(header: "content-type", "application/x-amz-json-1.1")
        request.add(header: "x-amz-target", "\(Self.service.targetPrefix).\(Self.name)")
        request.body = try jsonBody(self, Self.service.keys)
    }

    package func decode(_ response: HTTPResponse) throws -> Output {
        try decodeJSON(response, Self.service.keys)
    }

    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromJSON(response) }
}

package func jsonBody(_ value: some Encodable, _ keys: KeyStyle) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.keyEncodingStrategy = .custom { path in
        AnyKey(keys.key(path.last!.stringValue))
    }
    return Array(try encoder.encode(value))
}

/// - Throws: `UnexpectedAnswer` where it is not a JSON object with the expected members.
package func decodeJSON<T: Decodable>(_ response: HTTPResponse, _ keys: KeyStyle) throws -> T {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    if keys == .pascal {
        decoder.keyDecodingStrategy = .custom { path in
            let name = path.last!.stringValue
            return AnyKey(name.prefix(1).lowercased() + name.dropFirst())
        }
    }
    guard response.body.first(where: { !isBlank($0) }) == UInt8(ascii: "{") else {
        throw UnexpectedAnswer("expected a JSON object, found \(response.summary)")
    }
    do { return try decoder.decode(T.self, from: Data(response.body)) } catch {
        throw UnexpectedAnswer("expected a JSON answer, found \(response.summary): \(shortDescription(of: error))")
    }
}

private func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

/// What was missing and where, without the dump that Swift prints of a decoding error.
func shortDescription(of error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    let (path, text): ([any CodingKey], String) =
        switch error {
        case .keyNotFound(let key, let context): (context.codingPath + [key], "missing")
        case .valueNotFound(_, let context): (context.codingPath, "missing")
        case .typeMismatch(let type, let context): (context.codingPath, "not a \(type)")
        case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
        @unknown default: ([], "\(error)")
        }
    return path.isEmpty ? text : "\(path.map(\.stringValue).joined(separator: ".")): \(text)"
}

struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ name: some StringProtocol) { stringValue = String(name) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}
