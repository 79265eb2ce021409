import FoundationEssentials

/// A REST operation with XML bodies: its method, path, query and headers are part of the request.
///
/// It encodes its request itself; `decodeDocument` rejects responses that are not the expected document.
package protocol RESTXMLOperation: Operation {}

/// A REST operation with JSON bodies.
package protocol RESTJSONOperation: Operation {}

extension RESTXMLOperation {
    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromXML(response) }

    /// Decodes the document of a response.
    /// - Throws: `UnexpectedResponse`; or the `ServiceError` that S3 sends with status 200 if copying or completing
    ///   failed after it had sent the headers.
    ///   Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
    package func decodeDocument<T: Decodable>(_ type: T.Type = T.self, root: String, _ response: HTTPResponse) throws
        -> T
    {
        let document = try XMLDocument.answer(response, root: root)
        return try document.decode(T.self, at: document.root, Self.service.keys)
    }
}

extension RESTJSONOperation {
    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromJSON(response) }
}

/// Encodes an XML body with the members in declaration order.
/// - Parameter item: the element name of list entries; `nil` if each entry repeats the name of the list.
package func xmlBody(
    _ value: some Encodable, root: String, namespace: String, item: String? = nil
) throws -> [UInt8] {
    var writer = XMLBodyWriter(item: item)
    writer.open(root, namespace: namespace)
    writer.content(try WireEncoder.encode(value, .pascal))
    writer.close(root)
    return Array(writer.text.utf8)
}

private struct XMLBodyWriter {
    var text = #"<?xml version="1.0" encoding="UTF-8"?>"#
    let item: String?

    init(item: String?) { self.item = item }

    mutating func open(_ name: String, namespace: String? = nil) {
        text += namespace.map { "<\(name) xmlns=\"\($0)\">" } ?? "<\(name)>"
    }

    mutating func close(_ name: String) { text += "</\(name)>" }

    mutating func element(_ name: String, _ value: WireValue) {
        if case .list(let items) = value, item == nil {
            for item in items { element(name, item) }
        } else {
            open(name)
            content(value)
            close(name)
        }
    }

    mutating func content(_ value: WireValue) {
        switch value {
        case .text(let text): self.text += escaped(text)
        case .list(let items): for entry in items { element(item ?? "member", entry) }
        case .structure(let members): for member in members { element(member.name, member.value) }
        }
    }

    /// Escapes line breaks too: a parser would normalize them (XML 1.0, section 2.11), and keys may contain them.
    private func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\r": result += "&#xD;"
            case "\n": result += "&#xA;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// An operation of a JSON 1.1 service: a document is posted to `/`, and a header names the operation.
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

/// - Throws: `UnexpectedResponse` if the response is not a JSON object with the expected members.
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
        throw UnexpectedResponse("expected a JSON object, found \(response.summary)")
    }
    do { return try decoder.decode(T.self, from: Data(response.body)) } catch {
        throw UnexpectedResponse("expected a JSON response, found \(response.summary): \(shortDescription(of: error))")
    }
}

private func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

/// What is missing and where, without the dump that Swift prints for a decoding error.
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

/// An operation of a service with the query protocol: the request is a form, the response is XML.
///
/// Members are declared in the order and spelling of AWS's model, but start in lower case; `CodingKeys` are declared
/// only where the names on the wire differ.
package protocol QueryOperation: Operation, Codable where Output: Decodable {}

/// An EC2 operation; its variant of the query protocol numbers lists and wraps responses differently.
package protocol EC2Operation: Operation, Codable where Output: Decodable {}

extension QueryOperation {
    package func encode(into request: inout HTTPRequest) throws {
        request.setForm(try form(self, lists: .member))
    }

    /// `<XResponse><XResult>…</XResult></XResponse>`
    package func decode(_ response: HTTPResponse) throws -> Output {
        let document = try XMLDocument.answer(response, root: "\(Self.name)Response")
        let result = document.child("\(Self.name)Result", of: document.root)
        if result == nil, Output.self != NoOutput.self {
            throw UnexpectedResponse("the response has no \(Self.name)Result")
        }
        return try document.decode(Output.self, at: result ?? document.root, Self.service.keys)
    }

    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromXML(response) }
}

extension EC2Operation {
    package func encode(into request: inout HTTPRequest) throws {
        request.setForm(try form(self, lists: .plain))
    }

    /// `<XResponse>…</XResponse>`, with member names in camel case.
    package func decode(_ response: HTTPResponse) throws -> Output {
        let document = try XMLDocument.answer(response, root: "\(Self.name)Response")
        return try document.decode(Output.self, at: document.root, .camel)
    }

    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromXML(response) }
}

private func form<O: Operation & Encodable>(_ operation: O, lists: FormBody.ListStyle) throws -> [UInt8] {
    var body = FormBody(action: O.name, version: O.service.version, lists: lists)
    body.add(try WireEncoder.encode(operation, O.service.keys))
    return body.bytes
}

extension HTTPRequest {
    fileprivate mutating func setForm(_ form: [UInt8]) {
        method = .post
        add(header: "content-type", "application/x-www-form-urlencoded; charset=utf-8")
        body = form
    }
}

extension ServiceError {
    /// Query: `<ErrorResponse><Error>…`; EC2: `<Response><Errors><Error>…`; S3: `<Error>…`.
    package static func fromXML(_ response: HTTPResponse) -> ServiceError {
        guard let document = try? XMLDocument(response.body),
            let error = document.firstError
        else { return withoutDocument(response) }
        let text = { (name: String) in document.child(name, of: error).map { document.text(of: $0) } }
        let requestID = ["RequestId", "RequestID"].lazy
            .compactMap { name in document.child(name, of: error) ?? document.child(name, of: document.root) }
            .first.map { document.text(of: $0) }
        return ServiceError(
            status: response.status, code: text("Code") ?? "", message: text("Message") ?? "",
            requestID: requestID ?? response.requestID)
    }

    /// The code is in a header or in the document, possibly with a namespace before it or a URL after it.
    /// Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>
    package static func fromJSON(_ response: HTTPResponse) -> ServiceError {
        struct Body: Decodable {
            var type: String?
            var code: String?
            var lower: String?
            var upper: String?

            enum CodingKeys: String, CodingKey {
                case type = "__type"
                case code
                case lower = "message"
                case upper = "Message"
            }
        }
        let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
        guard let name = response.header("x-amzn-errortype") ?? body?.type ?? body?.code else {
            return withoutDocument(response)
        }
        let bare = name.split(separator: ":").first?.split(separator: "#").last.map(String.init) ?? name
        return ServiceError(
            status: response.status, code: bare, message: body?.lower ?? body?.upper ?? "",
            requestID: response.requestID)
    }

    /// For responses without an error document: a response to HEAD has no body, and a load balancer sends its own.
    private static func withoutDocument(_ response: HTTPResponse) -> ServiceError {
        let code = [403: "AccessDenied", 404: "NotFound"][response.status] ?? "HTTP\(response.status)"
        return ServiceError(
            status: response.status, code: code,
            message: response.body.isEmpty ? "" : response.summary, requestID: response.requestID)
    }
}

extension HTTPResponse {
    package var requestID: String? {
        ["x-amzn-requestid", "x-amz-request-id", "x-amz-cf-id"].lazy.compactMap { header($0) }.first
    }
}
