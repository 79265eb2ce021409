/// An operation whose method, path, query and headers mean something; XML in both directions.
///
/// It writes its request itself; `decodeDocument` guards against answers that are something else.
package protocol RESTXMLOperation: Operation {}

/// The same with JSON.
package protocol RESTJSONOperation: Operation {}

extension RESTXMLOperation {
    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromXML(response) }

    /// Decodes the answer's document.
    /// - Throws: `UnexpectedAnswer`; or the `ServiceError` that S3 sends with status 200 where copying or completing
    ///   failed after the headers had gone out.
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

/// Writes an XML body with the members in the order of their declaration.
/// - Parameter item: the element name of list entries; `nil` where a list repeats its own name.
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

    /// Line ends are escaped too, since a parser would fold them (XML 1.0, section 2.11) and keys may contain them.
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
