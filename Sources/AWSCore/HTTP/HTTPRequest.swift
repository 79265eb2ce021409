/// An HTTP request before and after signing, independent of any HTTP library.
package struct HTTPRequest: Sendable, Equatable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    package struct Pair: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: Method
    package var endpoint: Endpoint
    /// Percent-encoded, as it is sent; begins with a slash.
    package var path: String
    /// Not encoded; kept in order, names may repeat.
    package var query: [Pair]
    /// Names in lower case; `host` and the signature are added by the signer.
    package var headers: [Pair]
    package var body: [UInt8]
    /// SHA-256 of the body in hexadecimal, where it is known already.
    package var bodyHash: String?

    package init(
        _ method: Method = .post, _ endpoint: Endpoint, path: String = "/", query: [Pair] = [], headers: [Pair] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.endpoint = endpoint
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// Adds a query parameter where there is a value.
    package mutating func add(query name: String, _ value: (some CustomStringConvertible)?) {
        if let value { query.append(Pair(name, "\(value)")) }
    }

    /// Adds a header where there is a value.
    package mutating func add(header name: String, _ value: (some CustomStringConvertible)?) {
        if let value { headers.append(Pair(name, "\(value)")) }
    }

    /// The path with that of the endpoint before it.
    package var fullPath: String { endpoint.basePath + path }

    /// What follows the host in the request line.
    package var target: String {
        let query = query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
        return query.isEmpty ? fullPath : "\(fullPath)?\(query)"
    }

    package var url: String { "\(endpoint.scheme)://\(endpoint.authority)\(target)" }
}
