import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Synchronization
import Testing

/// That the front of the emulator is strict, which all other tests rely on, and what the client makes of refusals.
@Suite("What the strict front end refuses", .serialized)
struct RefusalTests {
    @Test("a signed call passes, with a token as well")
    func passes() async throws {
        try await EmulatedAccount.with { account, client in
            #expect(try await client.call(STS.GetCallerIdentity()).account == "123456789012")
            let role = STS.AssumeRole(roleArn: "arn:aws:iam::123456789012:role/r", roleSessionName: "s")
            let issued = try await client.call(role).credentials
            let temporary = Credentials(
                accessKeyID: issued.accessKeyId, secretAccessKey: issued.secretAccessKey,
                sessionToken: issued.sessionToken, origin: "test")
            let other = account.client(client.world.transport, credentials: temporary)
            #expect(try await other.call(STS.GetCallerIdentity()).arn.contains(":assumed-role/r/s"))
        }
    }

    @Test("a wrong secret, a wrong token, an unknown key", arguments: ["secret", "token", "key"])
    func wrong(_ part: String) async throws {
        try await EmulatedAccount.with { account, client in
            var credentials = account.credentials
            switch part {
            case "secret": credentials.secretAccessKey += "x"
            case "token": credentials.sessionToken = "made-up"
            default: credentials.accessKeyID += "X"
            }
            let other = account.client(client.world.transport, credentials: credentials)
            for operation in [
                { _ = try await other.call(STS.GetCallerIdentity()) },
                { _ = try await other.call(EC2.DescribeRegions()) },
                { _ = try await other.call(S3.ListObjectsV2(bucket: "b")) },
                { _ = try await other.call(CodeBuild.BatchGetBuilds(ids: ["a:b"])) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: AWSError.self) { try await operation() }
                #expect([.credentials, .denied].contains(error?.kind) && error?.attempts == 1, "\(error!)")
            }
        }
    }

    @Test(
        "what is changed on the way is refused",
        arguments: ["body", "path", "query", "date", "header", "unsigned header", "host"])
    func tampered(_ part: String) async throws {
        try await EmulatedAccount.with { account, client in
            let bucket = try await MutatingOperation.bucket(client, FaultTests.name())
            let tampering = Tampering(transport: client.world.transport, part: part)
            let other = account.client(tampering, backoff: .quick.with(attempts: 1))
            let error = await #expect(throws: AWSError.self) { try await MutatingOperation.put(other, bucket, "key") }
            #expect(error?.status == 403 || error?.status == 400, "\(error!)")
            #expect(try await client.all(S3.ListObjectsV2(bucket: bucket)).isEmpty)
        }
    }

    @Test("a local clock that is wrong by hours is corrected, in every protocol")
    func skew() async throws {
        for offset in [-7200.0, 7200] {
            try await EmulatedAccount.with { account, client in
                var time = CallTime.live
                time.now = { Date().addingTimeInterval(offset) }
                for operation in [
                    { _ = try await $0.call(STS.GetCallerIdentity()) },
                    { _ = try await $0.call(EC2.DescribeRegions()) },
                    { _ = try await $0.call(S3.ListObjectsV2(bucket: "none")) },
                    { _ = try await $0.call(CodeBuild.BatchGetBuilds(ids: ["a:b"])) },
                    { _ = try await $0.call(EBS.StartSnapshot(volumeSize: 1)) },
                ] as [(AWSClient) async throws -> Void] {
                    let other = account.client(client.world.transport, time: time)
                    do { try await operation(other) } catch let error as AWSError {
                        #expect(error.code == "NoSuchBucket", "\(error)")
                    }
                }
            }
        }
    }

    @Test("presigned URLs open what they were made for, and nothing else")
    func presigned() async throws {
        try await EmulatedAccount.with { account, client in
            let bucket = try await MutatingOperation.bucket(client, FaultTests.name())
            try await MutatingOperation.put(client, bucket, "a b/ü+")
            var get = S3.GetObject(bucket: bucket, key: "a b/ü+")
            get.checksumMode = nil
            let url = try await client.presigned(get, lifetime: .seconds(60))
            #expect(try await fetch(url, client) == "bytes")
            #expect(try await fetch(url.replacing("a%20b", with: "a%20c"), client) == nil)
            #expect(try await fetch(url.replacing("X-Amz-Expires=60", with: "X-Amz-Expires=600"), client) == nil)
        }
    }

    private func fetch(_ url: String, _ client: AWSClient) async throws -> String? {
        let halves = url.split(separator: "?", maxSplits: 1)
        let endpoint = try #require(Endpoint(url: String(halves[0]), signingRegion: ""))
        var request = HTTPRequest(.get, endpoint, path: "")
        request.query = halves[1].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding! }
            return .init(parts[0], parts[1])
        }
        let response = try await client.world.transport.send(request, within: .seconds(60))
        return response.isSuccess ? String(decoding: response.body, as: UTF8.self) : nil
    }
}

/// Changes a signed request before it is sent.
private struct Tampering: Transport {
    let transport: any Transport
    let part: String

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        var request = request
        switch part {
        case "body": request.body[0] ^= 1
        case "path": request.path += "2"
        case "query": request.query.append(.init("x", "y"))
        case "date": change("x-amz-date") { $0.dropLast(2) + ($0.hasSuffix("0Z") ? "1Z" : "0Z") }
        case "header": change("x-amz-content-sha256") { String($0.reversed()) }
        case "host": change("host") { "x" + $0 }
        default: request.headers.append(.init("x-amz-acl", "public-read"))
        }
        return try await transport.send(request, within: limit)

        func change(_ name: String, _ new: (String) -> String) {
            let index = request.headers.firstIndex { $0.name == name }!
            request.headers[index].value = new(request.headers[index].value)
        }
    }
}
