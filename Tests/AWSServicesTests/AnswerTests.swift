import AWSCore
import AWSServices
import Foundation
import Testing

/// Responses that only look like success, and secrets that must not be revealed.
@Suite("Responses")
struct AnswerTests {
    static let portal = HTTPResponse(
        status: 200,
        headers: [.init("Content-Type", "text/html"), .init("Content-Length", "42"), .init("ETag", "W/1")],
        body: Array("<html><body>Please accept our terms</body></html>".utf8))

    @Test("the page of a captive portal is never a valid response", arguments: Catalogue.all)
    func captivePortal(_ subject: OperationSample) {
        #expect(throws: UnexpectedResponse.self) { try subject.decode(Self.portal) }
    }

    @Test("nor is an empty response", arguments: Catalogue.all)
    func empty(_ subject: OperationSample) {
        #expect(throws: UnexpectedResponse.self) { try subject.decode(HTTPResponse(status: 200)) }
    }

    @Test("an error in a document with status 200 is an error")
    func errorWithSuccess() {
        let answer = HTTPResponse(
            status: 200,
            body: Array("<Error><Code>InternalError</Code><Message>Try again</Message></Error>".utf8))
        let error = ServiceError(status: 200, code: "InternalError", message: "Try again")
        let source = S3.CopySource(bucket: "a", key: "b")
        #expect(throws: error) {
            try S3.CompleteMultipartUpload(bucket: "a", key: "b", uploadId: "c", parts: []).decode(answer)
        }
        #expect(throws: error) { try S3.CopyObject(from: source, bucket: "a", key: "c").decode(answer) }
        #expect(throws: error) {
            try S3.UploadPartCopy(from: source, range: nil, bucket: "a", key: "c", partNumber: 1, uploadId: "d")
                .decode(answer)
        }
    }

    @Test("a missing object is NotFound")
    func missingObject() {
        let error = S3.HeadObject(bucket: "a", key: "b").decodeError(HTTPResponse(status: 404))
        #expect(error.code == "NotFound")
    }

    @Test("keys encoded by S3 are decoded")
    func encodedKeys() throws {
        let list = """
            <ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents>\
            <Key>a+b%2Bc/%C3%A9%01%</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>"t"</ETag>\
            <Size>1</Size></Contents></ListBucketResult>
            """
        let list2 = list.replacing("<EncodingType>url</EncodingType>", with: "")
        let operation = S3.ListObjectsV2(bucket: "a")
        let decode = { (text: String) in try operation.decode(HTTPResponse(status: 200, body: Array(text.utf8))) }
        #expect(try decode(list).contents.map(\.key) == ["a b+c/é\u{1}%"])
        #expect(try decode(list2).contents.map(\.key) == ["a+b%2Bc/%C3%A9%01%"])
    }

    @Test(
        "an empty list is empty in any layout",
        arguments: ["", "<imagesSet/>", "<imagesSet>\n  </imagesSet>"])
    func emptyList(_ list: String) throws {
        let answer = HTTPResponse(
            status: 200, body: Array("<DescribeImagesResponse>\(list)</DescribeImagesResponse>".utf8))
        #expect(try EC2.DescribeImages().decode(answer).images == [])
    }

    @Test("a block is accepted only with its checksum")
    func blocks() {
        let answer = HTTPResponse(
            status: 200, headers: [.init("x-amz-checksum", Catalogue.blockChecksum)],
            body: Catalogue.block.dropLast() + [8])
        #expect(throws: UnexpectedResponse.self) {
            try EBS.GetSnapshotBlock(snapshotId: "snap-1", blockIndex: 1, blockToken: "t").decode(answer)
        }
        #expect(throws: UnexpectedResponse.self) {
            try EBS.PutSnapshotBlock(snapshotId: "snap-1", blockIndex: 1, blockData: [1]).decode(answer)
        }
    }

    @Test("log lines end when the same token is returned")
    func logLines() throws {
        var operation = Logs.GetLogEvents(logGroupName: "a", logStreamName: "b", startFromHead: true)
        let answer = HTTPResponse(status: 200, body: Array(#"{"events": [], "nextForwardToken": "f/1"}"#.utf8))
        let page = try operation.decode(answer)
        let turns = [try operation.turn(after: page), try operation.turn(after: page)]
        #expect(turns == [true, false])
        #expect(operation.nextToken == "f/1")
    }

    @Test("a bucket is addressed by the host name if possible")
    func addresses() throws {
        let request = { (bucket: String) in
            var request = HTTPRequest(.get, S3.service.endpoint(in: "eu-central-1"))
            try S3.HeadObject(bucket: bucket, key: "a b").encode(into: &request)
            return request.url
        }
        #expect(try request("bucket") == "https://bucket.s3.eu-central-1.amazonaws.com/a%20b")
        #expect(try request("my.bucket") == "https://s3.eu-central-1.amazonaws.com/my.bucket/a%20b")
    }

    @Test("secrets are not revealed, however they are printed")
    func secrets() throws {
        let secret = "hidden-7f3a"
        let body = { (json: String) in HTTPResponse(status: 200, body: Array(json.utf8)) }
        let values: [Any] = [
            try SSM.GetParameter(name: "p").decode(
                body(
                    #"{"Parameter": {"Name": "n", "Type": "SecureString", "Value": "\#(secret)", "Version": 1}}"#)),
            try STS.AssumeRole(roleArn: "r", roleSessionName: "s").decode(
                body(
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>"
                        + "\(secret)</SecretAccessKey><SessionToken>\(secret)</SessionToken><Expiration>"
                        + "2026-01-31T12:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>")),
            STS.AssumeRoleWithWebIdentity(roleArn: "r", roleSessionName: "s", webIdentityToken: secret),
            Catalogue.with(STS.AssumeRole(roleArn: "r", roleSessionName: "s")) { $0.tokenCode = secret },
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            dump([value], to: &dumped)
            let mirrored = "\(Array(Mirror(reflecting: value).children))"
            for text in ["\(value)", "\([value])", String(reflecting: value), dumped, mirrored] {
                #expect(!text.contains(secret), "\(type(of: value))")
            }
        }
    }
}
