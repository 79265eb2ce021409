import AWSCore
import Foundation
import Testing

@Suite("Wire protocols")
struct WireTests {
    static let query = Service(id: "Query", signingName: "query", version: "2020-02-02")

    struct Tag: Codable, Sendable, Equatable {
        var key: String
        var value: String
    }

    struct PutThings: QueryOperation {
        static let service = query
        static let retrySafety = RetrySafety<Self>.harmless
        var stackName: String? = "a b&c=ü"
        var nothing: String?
        var tags: [Tag]? = [Tag(key: "k", value: "1"), Tag(key: "l", value: "")]
        var names: [String]? = []
        var count: Int? = 3
        var isOn: Bool? = false
        var since: Date? = Date(timeIntervalSince1970: 0)

        struct Output: Codable, Sendable, Equatable {
            var name: String
            var isGood: Bool?
            var count: Int?
            var since: Date?
            var tags: [Tag]
            var flat: [String]
        }
    }

    struct PutMore: EC2Operation {
        static let service = query
        static let retrySafety = RetrySafety<Self>.harmless
        var imageIds: [String]? = ["ami-1", "ami-2"]
        var nothing: [String]? = []
        typealias Output = NoOutput

        enum CodingKeys: String, CodingKey {
            case imageIds = "ImageId"
            case nothing
        }
    }

    func encoded(_ operation: some AWSCore.Operation) throws -> HTTPRequest {
        var request = HTTPRequest(.get, Endpoint(host: "x", signingRegion: "y"))
        try operation.encode(into: &request)
        return request
    }

    func answer(_ xml: String) throws -> PutThings.Output {
        try PutThings().decode(HTTPResponse(status: 200, body: Array(xml.utf8)))
    }

    @Test("query requests are forms with numbered members")
    func queryForm() throws {
        let request = try encoded(PutThings())
        #expect(request.method == .post && request.headers[0].value.hasPrefix("application/x-www-form-urlencoded"))
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "Action=PutThings&Version=2020-02-02&StackName=a%20b%26c%3D%C3%BC&Tags.member.1.Key=k"
                + "&Tags.member.1.Value=1&Tags.member.2.Key=l&Tags.member.2.Value=&Names=&Count=3&IsOn=false"
                + "&Since=1970-01-01T00%3A00%3A00Z")
    }

    @Test("ec2 numbers lists without a separator word, and omits empty lists")
    func ec2Form() throws {
        #expect(
            String(decoding: try encoded(PutMore()).body, as: UTF8.self)
                == "Action=PutMore&Version=2020-02-02&ImageId.1=ami-1&ImageId.2=ami-2")
    }

    @Test("responses: wrapped and repeated lists, times, flags, empty and missing lists")
    func decoding() throws {
        let output = try answer(
            """
            <?xml version="1.0"?><PutThingsResponse xmlns="https://x/"><PutThingsResult>
              <Name>a &amp; b<![CDATA[ <c>]]></Name> <IsGood>true</IsGood><Count>-7</Count>
              <Since>2026-01-02T03:04:05.678Z</Since>
              <Tags><member><Key>k</Key><Value/></member></Tags><Flat>x</Flat><Flat>y</Flat><Unknown><A/></Unknown>
            </PutThingsResult></PutThingsResponse>
            """)
        #expect(output.name == "a & b <c>" && output.isGood == true && output.count == -7)
        #expect(output.tags == [Tag(key: "k", value: "")] && output.flat == ["x", "y"])
        #expect(abs(output.since!.timeIntervalSince1970 - 1_767_323_045.678) < 0.001)
        let bare = try answer(
            "<PutThingsResponse><PutThingsResult><Name/><Tags/></PutThingsResult></PutThingsResponse>")
        #expect(bare == .init(name: "", tags: [], flat: []))
    }

    @Test(
        "an unexpected document is an error that says what is wrong",
        arguments: [
            ("", "an empty body"),
            ("<html><body>log in</body></html>", "expected the document PutThingsResponse, found html"),
            ("<!DOCTYPE html><html><p>", "an HTML page"),
            ("<PutThingsResponse><PutThingsResult><Name>x", "no element found"),
            ("<PutThingsResponse/>", "no PutThingsResult"),
            ("<PutThingsResponse><PutThingsResult/></PutThingsResponse>", "Name: missing"),
            (
                "<PutThingsResponse><PutThingsResult><Name/><Count>many</Count></PutThingsResult></PutThingsResponse>",
                "Count: not a Int"
            ),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><PutThingsResponse>&a;</PutThingsResponse>", "document type"),
            (String(repeating: "<a>", count: 100), "too deeply"),
            ("{\"names\":[]}", "not well-formed"),
        ])
    func unexpected(xml: String, complaint: String) {
        let error = #expect(throws: UnexpectedResponse.self) { try answer(xml) }
        #expect(error?.message.contains(complaint) == true, "\(error?.message ?? "")")
    }

    @Test("an error document with status 200 is an error")
    func errorUnderSuccess() {
        let error = #expect(throws: ServiceError.self) {
            try answer("<Error><Code>InternalError</Code><Message>again</Message><RequestId>R</RequestId></Error>")
        }
        #expect(error == ServiceError(status: 200, code: "InternalError", message: "again", requestID: "R"))
    }

    @Test(
        "errors in all formats",
        arguments: [
            "<ErrorResponse><Error><Type>Sender</Type><Code>C</Code><Message>M</Message></Error><RequestId>R</RequestId></ErrorResponse>",
            "<Response><Errors><Error><Code>C</Code><Message>M</Message></Error></Errors><RequestID>R</RequestID></Response>",
            "<Error><Code>C</Code><Message>M</Message><RequestId>R</RequestId></Error>",
            #"{"__type":"com.amazon.x#C","message":"M"}"#, #"{"__type":"C:http://x/","Message":"M"}"#,
            #"{"code":"C","message":"M"}"#,
        ])
    func errors(_ body: String) {
        let response = HTTPResponse(
            status: 400, headers: [.init("X-Amzn-RequestId", "R")], body: Array(body.utf8))
        let error = body.hasPrefix("<") ? ServiceError.fromXML(response) : .fromJSON(response)
        #expect(error == ServiceError(status: 400, code: "C", message: "M", requestID: "R"))
    }

    @Test("an error without a document keeps its status")
    func errorWithoutDocument() {
        let page = HTTPResponse(status: 502, body: Array("<html>Bad Gateway</html>".utf8))
        #expect(ServiceError.fromXML(page).code == "HTTP502")
        #expect(ServiceError.fromXML(HTTPResponse(status: 404)).code == "NotFound")
    }

    @Test(
        "endpoints from URLs",
        arguments: [
            ("http://127.0.0.1:5000", "127.0.0.1:5000", ""), ("https://x.example/", "x.example", ""),
            ("https://x.example:443/a/b/", "x.example", "/a/b"), ("http://[::1]:80", "[::1]", ""),
        ])
    func endpoint(url: String, authority: String, path: String) {
        let endpoint = Endpoint(url: url, signingRegion: "r")
        #expect(endpoint?.authority == authority && endpoint?.basePath == path)
    }

    @Test(
        "invalid endpoints", arguments: ["", "x", "ftp://x", "http://", "http://x:99999", "http://a b", "http://u@x"])
    func noEndpoint(url: String) { #expect(Endpoint(url: url, signingRegion: "r") == nil) }
}
