/// An operation of a service that speaks the query protocol: a form is sent, XML comes back.
///
/// Members are declared in the order and spelling of AWS's model, beginning in lower case; `CodingKeys` stand only
/// where the wire differs.
package protocol QueryOperation: Operation, Codable where Output: Decodable {}

/// An operation of EC2, whose dialect numbers lists and wraps answers its own way.
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
            throw UnexpectedAnswer("the answer has no \(Self.name)Result")
        }
        return try document.decode(Output.self, at: result ?? document.root, Self.service.keys)
    }

    package func decodeError(_ response: HTTPResponse) -> ServiceError { .fromXML(response) }
}

extension EC2Operation {
    package func encode(into request: inout HTTPRequest) throws {
        request.setForm(try form(self, lists: .plain))
    }

    /// `<XResponse>…</XResponse>`, members in lower case.
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
