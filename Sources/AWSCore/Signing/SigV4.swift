import Crypto
import FoundationEssentials

/// Signs requests with AWS Signature Version 4. A value made for one attempt: a signature is never used twice.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
package struct SigV4: Sendable {
    private let credentials: Credentials
    private let scope: SigningScope
    private let keys: SigningKeys
    private let time: Timestamp
    /// S3 takes a path as it is; all others take it normalized and encoded once more.
    private let takesPathAsIs: Bool

    /// - Parameters:
    ///   - service: the service's signing name.
    ///   - keys: shared by those who sign more than once.
    package init(
        _ credentials: Credentials, region: String, service: String, at time: Date, takesPathAsIs: Bool? = nil,
        keys: SigningKeys = SigningKeys()
    ) {
        self.credentials = credentials
        self.time = Timestamp(time)
        self.keys = keys
        scope = SigningScope(
            secret: credentials.secretAccessKey, day: String(self.time.day), region: region, service: service)
        self.takesPathAsIs = takesPathAsIs ?? (service == "s3")
    }

    /// The request with all headers that make it valid, for 15 minutes around `time`.
    package func signed(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        let hash = request.bodyHash ?? hex(SHA256.hash(data: request.body))
        request.headers.append(.init("host", request.endpoint.authority))
        request.headers.append(.init("x-amz-date", time.text))
        if scope.service == "s3" { request.headers.append(.init("x-amz-content-sha256", hash)) }
        request.add(header: "x-amz-security-token", credentials.sessionToken)
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        request.headers.append(
            .init(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope.text), "
                    + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature(of: canonical))"))
        return request
    }

    /// A request whose URL alone gives access, for a time: whoever has it may do that one thing.
    /// - Parameter lifetime: at most seven days, and no longer than the credentials live.
    package func presigned(_ request: HTTPRequest, lifetime: Duration) -> HTTPRequest {
        var request = request
        request.headers.insert(.init("host", request.endpoint.authority), at: 0)
        let names = CanonicalRequest.canonical(request.headers).map(\.name).joined(separator: ";")
        request.query += [
            .init("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            .init("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope.text)"),
            .init("X-Amz-Date", time.text),
            .init("X-Amz-Expires", "\(lifetime.components.seconds)"),
            .init("X-Amz-SignedHeaders", names),
        ]
        request.add(query: "X-Amz-Security-Token", credentials.sessionToken)
        let hash = scope.service == "s3" ? "UNSIGNED-PAYLOAD" : hex(SHA256.hash(data: request.body))
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        request.query.append(.init("X-Amz-Signature", signature(of: canonical)))
        return request
    }

    /// What is signed of a request, for comparison with what others make of it.
    package func parts(of request: HTTPRequest) -> (canonicalRequest: String, stringToSign: String) {
        let hash = request.bodyHash ?? hex(SHA256.hash(data: request.body))
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        return (canonical.text, stringToSign(canonical))
    }

    private func stringToSign(_ canonical: CanonicalRequest) -> String {
        let digest = hex(SHA256.hash(data: Array(canonical.text.utf8)))
        return "AWS4-HMAC-SHA256\n\(time.text)\n\(scope.text)\n\(digest)"
    }

    private func signature(of canonical: CanonicalRequest) -> String {
        hex(HMAC<SHA256>.authenticationCode(for: Array(stringToSign(canonical).utf8), using: keys.key(scope)))
    }
}

/// A time as SigV4 writes it: `20260102T030405Z`, and its day.
package struct Timestamp: Sendable, Equatable {
    package let text: String
    package var day: Substring { text.prefix(8) }

    package init(_ time: Date) {
        text = time.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
    }
}
