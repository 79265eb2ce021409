import AWSCore
import Foundation
import Testing
import Workbench

@testable import AWSIdentity

/// The cache of the AWS CLI, written and read by both.
@Suite("Role cache")
struct RoleCacheTests {
    static let role = "arn:aws:iam::123456789012:role/deploy"
    static let parameters: [[String: RoleCache.Parameter]] = [
        ["RoleArn": .text(role)],
        ["RoleArn": .text(role), "RoleSessionName": .text("ada"), "ExternalId": .text("x y/z")],
        ["RoleArn": .text(role), "SerialNumber": .text("arn:aws:iam::1:mfa/ada"), "DurationSeconds": .number(3600)],
        ["RoleArn": .text(role), "ExternalId": .text("ü\"\\\t\u{7F}𝄞/")],
    ]

    @Test("uses the file names of botocore", arguments: parameters.indices)
    func names(_ index: Int) async throws {
        var question = Self.parameters[index].mapValues { parameter -> Any in
            switch parameter {
            case .text(let text): text
            case .number(let number): number
            }
        }
        question.removeValue(forKey: "RoleArn")
        let script = """
            from botocore.credentials import AssumeRoleCredentialFetcher
            answer = AssumeRoleCredentialFetcher(None, None, "\(Self.role)", question)._cache_key
            """
        #expect(try await Botocore.ask(script, question) as? String == RoleCache.key(Self.parameters[index]))
    }

    private static let read = """
        import botocore.credentials, botocore.utils, os
        def forbidden(*args, **kwargs):
            raise AssertionError("the cache was not used")
        cache = botocore.utils.JSONFileCache(os.path.expanduser("~/.aws/cli/cache"))
        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(forbidden, None, "\(role)", {}, cache=cache)
        """

    @Test("is read by botocore without another call")
    func forBotocore() async throws {
        try await withTemporaryDirectory { home in
            try makeDirectory("\(home)/.aws/cli/cache")
            var world = FakeWorld().world
            world.home = home
            world.writeFile = { try writeAtomically($1, to: $0, mode: 0o600) }
            let expiration = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 3000).rounded())
            RoleCache(["RoleArn": .text(Self.role)], world).store(
                Credentials(
                    accessKeyID: "ASIA1", secretAccessKey: "s", sessionToken: "t", expiration: expiration, origin: ""))
            let answer = try await Botocore.ask(Self.read + "\nanswer = fetcher.fetch_credentials()", [:], home: home)
            let read = try #require(answer as? [String: Any])
            #expect(read["access_key"] as? String == "ASIA1")
            #expect(read["secret_key"] as? String == "s")
            #expect(read["token"] as? String == "t")
            #expect((read["expiry_time"] as? String).flatMap(parsedTime) == expiration)
        }
    }

    @Test("reads files written by botocore")
    func fromBotocore() async throws {
        try await withTemporaryDirectory { home in
            let script =
                Self.read + """

                    import datetime
                    from dateutil.tz import tzutc
                    end = datetime.datetime.now(tzutc()).replace(microsecond=0) + datetime.timedelta(minutes=50)
                    fetcher._write_to_cache({"Credentials": {
                        "AccessKeyId": "ASIA2", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}})
                    answer = end.timestamp()
                    """
            let end = try #require(try await Botocore.ask(script, [:], home: home) as? Double)
            var world = FakeWorld().world
            world.home = home
            world.readFile = { Array(try readText($0).utf8) }
            world.time = .live
            let cached = RoleCache(["RoleArn": .text(Self.role)], world).load(origin: "test")
            #expect(cached?.accessKeyID == "ASIA2")
            #expect(cached?.sessionToken == "t")
            #expect(cached?.expiration?.timeIntervalSince1970 == end)
        }
    }

    @Test("is ignored in the last 15 minutes of validity and if it is invalid")
    func old() throws {
        let pretend = FakeWorld()
        let cache = RoleCache(["RoleArn": .text(Self.role)], pretend.world)
        let write = { (seconds: Double) in
            cache.store(
                Credentials(
                    accessKeyID: "A", secretAccessKey: "s", sessionToken: "t",
                    expiration: pretend[\.now] + seconds, origin: ""))
        }
        write(15 * 60)
        #expect(cache.load(origin: "") != nil)
        write(15 * 60 - 1)
        #expect(cache.load(origin: "") == nil)
        pretend[\.written] = [cache.path: "{\"Credentials\": {}"]
        #expect(cache.load(origin: "") == nil)
    }

    @Test("an unwritable cache is a warning")
    func unwritable() {
        let pretend = FakeWorld()
        var world = pretend.world
        world.writeFile = { _, _ in throw FakeWorld.Unreadable() }
        RoleCache(["RoleArn": .text(Self.role)], world).store(
            Credentials(accessKeyID: "A", secretAccessKey: "sEcReT", origin: ""))
        #expect(pretend[\.warnings].count == 1)
        #expect(pretend[\.warnings].allSatisfy { $0.contains("Permission denied") && !$0.contains("sEcReT") })
    }

    static let times = [
        "2027-01-15T08:00:00Z", "2027-01-15T08:00:00UTC", "2027-01-15T08:00:00+00:00", "2027-01-15T08:00:00.123Z",
        "2027-01-15T09:00:00+01:00", " 2027-01-15T08:00:00Z\n", "2027-01-15T08:00:00.123456+00:00",
        "2027-01-15 08:00:00+00:00", "2027-01-15 09:00:00.5+01:00", "2027-01-15 08:00:00Z",
    ]

    @Test("times are parsed in all formats", arguments: times)
    func time(_ text: String) {
        #expect(parsedTime(text) == Date(timeIntervalSince1970: 1_800_000_000))
    }
}
