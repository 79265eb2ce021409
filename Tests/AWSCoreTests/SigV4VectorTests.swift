import AWSCore
import Foundation
import Testing

/// AWS's published SigV4 test suite, by header and by query; as data in Vectors/sigv4.json.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-test-suite.html>
@Suite("SigV4 test vectors of AWS")
struct SigV4VectorTests {
    @Test("the suite is complete")
    func count() { #expect(Vector.all.count == 38) }

    @Test("by header", arguments: Vector.all)
    func header(_ vector: Vector) throws {
        let (canonical, stringToSign) = vector.signer.parts(of: try vector.request(dated: true))
        #expect(canonical == vector.byHeader.canonicalRequest)
        #expect(stringToSign == vector.byHeader.stringToSign)
        let authorization = vector.signer.signed(try vector.request()).headers.last!
        #expect(authorization.value.hasSuffix("Signature=\(vector.byHeader.signature)"))
    }

    @Test("by query", arguments: Vector.all)
    func query(_ vector: Vector) throws {
        let signed = vector.signer.presigned(try vector.request(hashed: false), lifetime: .seconds(3600))
        var unsigned = signed
        #expect(unsigned.query.popLast() == .init("X-Amz-Signature", vector.byQuery.signature))
        let (canonical, stringToSign) = vector.signer.parts(of: unsigned)
        #expect(canonical == vector.byQuery.canonicalRequest)
        #expect(stringToSign == vector.byQuery.stringToSign)
    }
}

struct Vector: Decodable, Sendable, CustomTestStringConvertible {
    struct Signed: Decodable, Sendable {
        var canonicalRequest: String
        var stringToSign: String
        var signature: String
    }

    var name: String
    var method: String
    var path: String
    var rawQuery: String
    var headers: [[String]]
    var body: String
    var secret: String
    var token: String?
    var normalize: Bool
    var signBody: Bool
    var omitSessionToken: Bool
    var byHeader: Signed
    var byQuery: Signed

    var testDescription: String { name }

    static let all: [Vector] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/sigv4.json")
        return try! JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
    }()

    static let time = try! Date("2015-08-30T12:36:00Z", strategy: .iso8601)

    var signer: SigV4 {
        SigV4(
            Credentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: secret, sessionToken: omitSessionToken ? nil : token,
                origin: "test suite"),
            region: "us-east-1", service: "service", at: Self.time, takesPathAsIs: !normalize)
    }

    /// - Parameters:
    ///   - dated: includes the headers that the signer adds.
    ///   - hashed: includes the body hash header, if the vector has one.
    func request(dated: Bool = false, hashed: Bool = true) throws -> HTTPRequest {
        let endpoint = Endpoint(host: "example.amazonaws.com", signingRegion: "us-east-1")
        var request = HTTPRequest(try #require(.init(rawValue: method)), endpoint)
        // The suite's requests are not encoded, while ours are, unless normalized and encoded for signing.
        request.path = normalize ? path : percentEncoded(path, keepsSlash: true)
        request.query = rawQuery.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return .init(parts[0].removingPercentEncoding!, parts.count > 1 ? parts[1].removingPercentEncoding! : "")
        }
        request.headers = headers.filter { $0[0] != "Host" }.map { .init($0[0], $0[1]) }
        request.body = Array(body.utf8)
        if signBody, hashed {
            request.headers.append(
                .init("x-amz-content-sha256", SHA256Checksum(of: request.body).hexadecimal))
        }
        if dated {
            request.headers += [.init("host", endpoint.host), .init("x-amz-date", "20150830T123600Z")]
            request.add(header: "x-amz-security-token", omitSessionToken ? nil : token)
        }
        return request
    }
}
