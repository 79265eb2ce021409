import AWSCore
import AWSServices
import Foundation
import Testing

@testable import AWSIdentity

@Suite("Region and endpoints")
struct RegionAndEndpointTests {
    static let keys = ["AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "sEcReT"]

    static let regions: [(flag: String?, environment: [String: String], config: String?, expected: Setting?)] = [
        ("eu-west-1", ["AWS_REGION": "b-1"], "[default]\nregion=c-1\n", Setting("eu-west-1", origin: "--region")),
        (nil, ["AWS_REGION": "b-1", "AWS_DEFAULT_REGION": "d-1"], nil, Setting("b-1", origin: "AWS_REGION")),
        (nil, ["AWS_DEFAULT_REGION": "d-1"], "[default]\nregion=c-1\n", Setting("d-1", origin: "AWS_DEFAULT_REGION")),
        (
            nil, ["AWS_REGION": ""], "[default]\nregion=c-1\n",
            Setting("c-1", origin: "profile default, ~/.aws/config:2")
        ),
        (nil, ["AWS_PROFILE": "x"], "[default]\nregion=c-1\n[profile x]\n", nil),
        (nil, [:], nil, nil),
    ]

    @Test("the region comes from the flag, the environment or the profile", arguments: regions.indices)
    func region(_ index: Int) async throws {
        let (flag, environment, config, expected) = Self.regions[index]
        let pretend = FakeWorld(environment: Self.keys.merging(environment) { $1 }, config: config)
        let identity = try await pretend.find(region: flag)
        #expect(identity.region == expected)
        if expected == nil {
            let error = try #require(throws: IdentityError.self) { try identity.client() }
            #expect(error.kind == .usage)
            #expect(error.message.contains("AWS_REGION"))
        } else {
            #expect(try identity.client().region == expected?.value)
        }
    }

    @Test(
        "the profile's certificates are a path with ~ and variables, from either file",
        arguments: [
            (nil, "[default]\nca_bundle=/a.pem\n", nil, Setting("/a.pem", origin: "profile default, ~/.aws/config:2")),
            ("x", "[default]\nca_bundle=/a.pem\n[profile x]\n", nil, nil),
            (
                "x", "[profile x]\nca_bundle = ~/$NAME.pem\n", nil,
                Setting("/home/ada/own.pem", origin: "profile x, ~/.aws/config:2")
            ),
            (
                nil, "[default]\nca_bundle=/a.pem\n", "[default]\nca_bundle=/b.pem\n",
                Setting("/b.pem", origin: "profile default, ~/.aws/credentials:2")
            ),
            (nil, "[default]\nca_bundle =\n", nil, nil), (nil, nil, nil, nil),
        ] as [(String?, String?, String?, Setting?)])
    func certificates(profile: String?, config: String?, credentials: String?, expected: Setting?) throws {
        let pretend = FakeWorld(environment: ["NAME": "own"], config: config, credentials: credentials)
        #expect(try Identity.certificates(profile: profile, in: pretend.world) == expected)
    }

    static let badRegions: [(String?, [String: String], String?, IdentityError.Kind, String)] = [
        ("eu west", [:], nil, .usage, "'eu west' from --region is not the name of a region, such as eu-central-1"),
        (nil, ["AWS_REGION": "evil.com/"], nil, .usage, "'evil.com/' from AWS_REGION is not the name"),
        (nil, ["AWS_REGION": "-x"], nil, .usage, "not the name of a region"),
        (nil, ["AWS_REGION": "12"], nil, .usage, "not the name of a region"),
        (nil, [:], "[default]\nregion = a-1 # mine\n", .files, "put comments on a separate line"),
    ]

    @Test("an invalid region is rejected", arguments: badRegions.indices)
    func badRegion(_ index: Int) async throws {
        let (flag, environment, config, kind, text) = Self.badRegions[index]
        let pretend = FakeWorld(environment: Self.keys.merging(environment) { $1 }, config: config)
        let error = try await #require(throws: IdentityError.self) { try await pretend.find(region: flag) }
        #expect(error.kind == kind)
        #expect("\(error)".contains(text), "\(error)")
    }

    @Test("a mistyped region is refused unless its host exists or its endpoint is set")
    func unknownRegions() async throws {
        let typo = Setting("eu-centrl-1", origin: "--to")
        let pretend = FakeWorld(environment: Self.keys, config: nil)
        let offline = try await pretend.find(hosts: [])
        let error = await #expect(throws: IdentityError.self) { try await offline.requireRegions([typo]) }
        #expect(error?.kind == .usage && error?.unknown?.name == typo.value && error?.unknown?.known == knownRegions)
        #expect(error?.message.contains("(--to): its host sts.eu-centrl-1.amazonaws.com does not exist") == true)
        try await offline.requireRegions([Setting("eu-central-1", origin: "--to")])

        try await pretend.find(hosts: ["sts.eu-new-1.amazonaws.com"])
            .requireRegions([Setting("eu-new-1", origin: "--to")])
        let emulated = FakeWorld(
            environment: Self.keys.merging(["AWS_ENDPOINT_URL": "http://127.0.0.1:5000"]) { $1 }, config: nil)
        try await emulated.find(hosts: []).requireRegions([typo])
    }

    @Test("the known regions are those of botocore in the public partitions")
    func knownToBotocore() async throws {
        let script = """
            import os, botocore
            with open(os.path.join(os.path.dirname(botocore.__file__), "data/partitions.json")) as file:
                partitions = json.load(file)["partitions"]
            answer = [name for partition in partitions if partition["id"] in question
                      for name in partition["regions"] if "global" not in name]
            """
        let answer = try await Botocore.ask(script, ["aws", "aws-cn", "aws-us-gov"])
        #expect((answer as? [String])?.sorted() == knownRegions)
    }

    static let all = """
        [default]
        endpoint_url = http://global-file
        services = mine
        [services mine]
        service_quotas =
          endpoint_url = http://service-file
        ec2 =
          endpoint_url = http://ec2-file:8080/base/
        """

    static let endpoints:
        [(environment: [String: String], config: String?, service: Service, url: String?, from: String)] = [
            (
                ["AWS_ENDPOINT_URL": "http://g", "AWS_ENDPOINT_URL_STS": "http://s"], nil, STS.service, "http://s",
                "AWS_ENDPOINT_URL_STS"
            ),
            (
                ["AWS_ENDPOINT_URL": "http://g", "AWS_ENDPOINT_URL_STS": "http://s"], nil, S3.service, "http://g",
                "AWS_ENDPOINT_URL"
            ),
            (
                ["AWS_ENDPOINT_URL_SERVICE_QUOTAS": "https://s"], all, ServiceQuotas.service, "https://s",
                "AWS_ENDPOINT_URL_SERVICE_QUOTAS"
            ),
            ([:], all, ServiceQuotas.service, "http://service-file", "services mine, ~/.aws/config:6"),
            ([:], all, EC2.service, "http://ec2-file:8080", "services mine, ~/.aws/config:8"),
            ([:], all, S3.service, "http://global-file", "profile default, ~/.aws/config:2"),
            (["AWS_ENDPOINT_URL": "http://g"], all, EC2.service, "http://g", "AWS_ENDPOINT_URL"),
            (
                ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://g"], all, EC2.service, nil,
                ""
            ),
            ([:], "[default]\nignore_configured_endpoint_urls = TRUE\nendpoint_url = http://x\n", EC2.service, nil, ""),
            ([:], nil, STS.service, nil, ""),
        ]

    @Test("environment variables take precedence over the profile's endpoints", arguments: endpoints.indices)
    func endpoint(_ index: Int) async throws {
        let (environment, config, service, url, origin) = Self.endpoints[index]
        let pretend = FakeWorld(environment: Self.keys.merging(environment) { $1 }, config: config)
        let endpoints = try await pretend.find().endpoints
        let endpoint = endpoints.endpoint(of: service, in: "eu-west-1")
        #expect(endpoint.map { "\($0.scheme)://\($0.authority)" } == url)
        #expect(endpoints.override(for: service)?.url.origin ?? "" == origin)
        #expect(endpoint?.signingRegion ?? "eu-west-1" == "eu-west-1")
    }

    @Test("global services are signed for their own region")
    func globalService() async throws {
        let pretend = FakeWorld(environment: Self.keys.merging(["AWS_ENDPOINT_URL": "http://g"]) { $1 })
        let endpoint = try await pretend.find().endpoints.endpoint(of: IAM.service, in: "eu-west-1")
        #expect(endpoint?.signingRegion == "us-east-1")
    }

    static let badEndpoints: [([String: String], String?, IdentityError.Kind, String)] = [
        (["AWS_ENDPOINT_URL": "ftp://user:sEcReT@x"], nil, .usage, "AWS_ENDPOINT_URL is not a URL"),
        (["AWS_ENDPOINT_URL_S3": "localhost"], nil, .usage, "AWS_ENDPOINT_URL_S3 is not a URL"),
        ([:], "[default]\nendpoint_url = http://user:sEcReT@x\n", .files, "config:2:1: error: profile default"),
        ([:], "[default]\nservices = x\n", .files, "config:2:1: error: there is no section [services x]"),
        (
            [:], "[default]\nservices = x\n[services x]\ns3 =\n  endpoint_url = sEcReT\n", .files,
            "config:5:3: error: services x, ~/.aws/config:5 is not a URL"
        ),
    ]

    @Test("an invalid URL is rejected, but not shown", arguments: badEndpoints.indices)
    func badEndpoint(_ index: Int) async throws {
        let (environment, config, kind, text) = Self.badEndpoints[index]
        let pretend = FakeWorld(environment: Self.keys.merging(environment) { $1 }, config: config)
        let error = try await #require(throws: IdentityError.self) { try await pretend.find() }
        #expect(error.kind == kind)
        #expect("\(error)".contains(text), "\(error)")
        #expect(!"\(error)".contains("sEcReT"))
    }
}
