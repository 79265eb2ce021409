import FoundationEssentials

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

    /// The code stands in a header or in the document, with a namespace before or a URL after it.
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

    /// An answer to HEAD has no body; a load balancer's has another.
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
