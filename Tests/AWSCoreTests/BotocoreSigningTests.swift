import AWSCore
import AWSTestSupport
import Foundation
import Testing

/// Compares signatures with botocore's, byte for byte: unusual keys, blanks, other scripts, empty and repeated query
/// values, tokens, presigned URLs.
@Suite("Signatures compared with botocore")
struct BotocoreSigningTests {
    static let paths = [
        "/", "/key", "/a b/c+d", "/ü/日本/😀", "//double//slash", "/./dot/../dot", "/tilde~-_.", "/!*'();:@&=$,/?%#[]",
        "/ends/", "/%41%zz", "/a%20b",
    ]
    static let queries: [[HTTPRequest.Pair]] = [
        [], [.init("uploads", "")], [.init("list-type", "2"), .init("prefix", "a b/ü+&=?"), .init("delimiter", "/")],
        [.init("b", "2"), .init("a", "2"), .init("a", "1"), .init("a", ""), .init("A", "x")],
        [.init("ключ", "значение"), .init("x y", "1 2"), .init("~-_.", "~-_.")],
    ]
    static let services = ["s3", "ec2", "ebs"]

    @Test("by header", arguments: services, [nil, "token/with+signs=="])
    func header(service: String, token: String?) async throws {
        for (path, query) in Self.cases {
            let request = request(service, path, query)
            let signed = signer(service, token).signed(request)
            let theirs = try await ask(request, service, token, kind: "header")["headers"] as? [String: String] ?? [:]
            let ours = Dictionary(signed.headers.map { ($0.name, $0.value) }) { first, _ in first }
            for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
                let other = theirs.first { $0.key.lowercased() == name }?.value
                #expect(ours[name] == other, "\(service) \(path) \(query) \(name)")
            }
        }
    }

    @Test("by query", arguments: services, [nil, "token/with+signs=="])
    func presigned(service: String, token: String?) async throws {
        // botocore drops repeated names when it presigns, so there is nothing to compare.
        for (path, query) in Self.cases where Set(query.map(\.name)).count == query.count {
            var request = request(service, path, query)
            request.headers = []
            request.body = []
            request.method = .get
            let ours = signer(service, token).presigned(request, lifetime: .seconds(3600)).url
            let theirs = try await ask(request, service, token, kind: "presign")["url"] as? String ?? ""
            #expect(Self.parts(ours) == Self.parts(theirs), "\(service) \(path) \(query)")
        }
    }

    /// Path and query values, whose order in a URL is arbitrary.
    private static func parts(_ url: String) -> [String] {
        let halves = url.split(separator: "?", maxSplits: 1)
        return [String(halves[0])] + halves[1].split(separator: "&").map(String.init).sorted()
    }

    private static let cases = paths.map { ($0, queries[0]) } + queries.map { (paths[2], $0) }

    private func request(_ service: String, _ path: String, _ query: [HTTPRequest.Pair]) -> HTTPRequest {
        HTTPRequest(
            .put, Endpoint(scheme: "http", host: "bucket.example.com", port: 8080, signingRegion: "eu-central-1"),
            path: percentEncoded(path, keepsSlash: true), query: query,
            headers: [
                .init("content-type", "text/plain; charset=utf-8"), .init("x-amz-meta-odd", "  two   blanks "),
                .init("x-amz-copy-source", "/b/%C3%BC"),
            ], body: Array("body ü".utf8))
    }

    private func signer(_ service: String, _ token: String?) -> SigV4 {
        SigV4(
            Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "se/cr+et", sessionToken: token, origin: "test"),
            region: "eu-central-1", service: service, at: VirtualTime.start)
    }

    private func ask(
        _ request: HTTPRequest, _ service: String, _ token: String?, kind: String
    ) async throws -> [String: Any] {
        var credentials = ["access_key": "AKIDEXAMPLE", "secret_key": "se/cr+et"]
        credentials["token"] = token
        return try await Oracle.shared.get().ask([
            "do": "sign", "service": service, "region": "eu-central-1", "method": request.method.rawValue,
            "url": request.url,
            "headers": Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) }),
            "body_base64": base64Text(request.body), "credentials": credentials, "time": "2026-01-02T03:04:05Z",
            "kind": kind, "expires": 3600,
        ])
    }
}
