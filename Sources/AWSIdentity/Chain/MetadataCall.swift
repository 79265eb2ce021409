import AWSCore
import FoundationEssentials

/// A request to something near that is no AWS service: the instance, the container's agent, GitHub.
struct MetadataCall: Sendable {
    /// Names it in errors and in the log.
    var name: String
    var method: HTTPRequest.Method = .get
    var url: String
    var headers: [HTTPRequest.Pair] = []
    var timeout: Duration = .seconds(2)
    var attempts = 3
    /// Between two attempts.
    var pause: Duration = .seconds(1)

    /// - Returns: the first answer that is not a failure of the server.
    /// - Throws: `IdentityError` where none came.
    func send(_ world: IdentityWorld) async throws -> HTTPResponse {
        let request = try request()
        var attempt = 1
        while true {
            do {
                let response = try await observed(request, attempt, world)
                if response.status < 500 || attempt == attempts { return response }
            } catch let error as TransportError {
                if attempt == attempts {
                    throw IdentityError(.unavailable, "no answer from \(shownURL) (\(name)): \(error)")
                }
            }
            attempt += 1
            try await world.time.sleep(pause)
        }
    }

    /// Without the query, which is nobody's business.
    var shownURL: String { String(url.prefix { $0 != "?" }) }

    private func request() throws -> HTTPRequest {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let endpoint = Endpoint(url: String(parts[0]), signingRegion: "") else {
            throw IdentityError(.usage, "\(name): its address is not an HTTP URL")
        }
        var bare = endpoint
        bare.basePath = ""
        var path = endpoint.basePath.isEmpty ? "/" : endpoint.basePath
        if parts[0].hasSuffix("/"), !path.hasSuffix("/") { path += "/" }
        // A query that somebody has encoded already is sent as it is.
        if parts.count > 1 { path += "?\(parts[1])" }
        return HTTPRequest(method, bare, path: path, headers: headers)
    }

    private func observed(_ request: HTTPRequest, _ attempt: Int, _ world: IdentityWorld) async throws -> HTTPResponse {
        let began = world.time.uptime()
        var record = CallRecord(
            time: world.time.now(), service: name, operation: "\(method.rawValue) \(request.path.prefix { $0 != "?" })",
            region: "",
            host: request.endpoint.authority, attempt: attempt, duration: .zero)
        do {
            let response = try await world.transport.send(request, within: timeout)
            record.status = response.status
            record.bytesReceived = response.body.count
            record.duration = world.time.uptime() - began
            world.observe(record)
            return response
        } catch let error as TransportError {
            record.duration = world.time.uptime() - began
            record.error = "\(error)"
            world.observe(record)
            throw error
        }
    }
}

/// Credentials as the instance and the container's agent hand them out, and as a `credential_process` prints them.
struct CredentialDocument: Decodable {
    var accessKeyID: String
    var secretAccessKey: String
    var token: String?
    var expiration: String?
    var version: Int?

    private enum CodingKeys: String, CodingKey {
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case sessionToken = "SessionToken"
        case expiration = "Expiration"
        case version = "Version"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        accessKeyID = try values.decode(String.self, forKey: .accessKeyID)
        secretAccessKey = try values.decode(String.self, forKey: .secretAccessKey)
        token =
            try values.decodeIfPresent(String.self, forKey: .token)
            ?? values.decodeIfPresent(String.self, forKey: .sessionToken)
        expiration = try values.decodeIfPresent(String.self, forKey: .expiration)
        version = try values.decodeIfPresent(Int.self, forKey: .version)
    }

    /// - Throws: `IdentityError` that says what is missing, and nothing of what is there.
    static func credentials(_ bytes: some Sequence<UInt8>, origin: String) throws -> (Credentials, version: Int?) {
        do {
            let document = try JSONDecoder().decode(CredentialDocument.self, from: Data(bytes))
            let expiration = try document.expiration.map { text in
                guard let time = parsedTime(text) else { throw Complaint(text: "Expiration is not a time") }
                return time
            }
            return (
                Credentials(
                    accessKeyID: document.accessKeyID, secretAccessKey: document.secretAccessKey,
                    sessionToken: document.token, expiration: expiration, origin: origin), document.version
            )
        } catch {
            throw IdentityError(.credentials, "\(origin): what came is not credentials: \(complaint(error))")
        }
    }

    private struct Complaint: Error { var text: String }

    private static func complaint(_ error: any Error) -> String {
        switch error {
        case let complaint as Complaint: complaint.text
        case DecodingError.keyNotFound(let key, _): "\(key.stringValue) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(context.codingPath.last?.stringValue ?? "the document") has the wrong type"
        default: "it is not JSON"
        }
    }
}
