import AWSTestSupport
import Testing
import Workbench

/// Region and endpoint of the real program, from each of their sources.
extension WhoamiTests {
    static let regions: [(arguments: [String], environment: [String: String], region: String, from: String)] = [
        (["--region", "eu-west-3"], ["AWS_REGION": "eu-west-2"], "eu-west-3", "--region"),
        ([], ["AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"], "eu-west-2", "AWS_REGION"),
        ([], ["AWS_DEFAULT_REGION": "eu-west-1"], "eu-west-1", "AWS_DEFAULT_REGION"),
        ([], [:], "eu-north-1", "profile default, ~/.aws/config:2"),
    ]

    @Test("the region comes from the flag, the environment or the profile", arguments: regions.indices)
    func region(_ index: Int) async throws {
        let (arguments, environment, region, from) = Self.regions[index]
        try await WhoamiUser.with(config: "[default]\nregion = eu-north-1\n") { person in
            let said = try await person.whoami(arguments + ["--json"], WhoamiUser.variables.merging(environment) { $1 })
            #expect(said["region"] == region)
            #expect(said["region_from"] == from)
            #expect(said.errors.contains("STS GetCallerIdentity \(region) 200"))
        }
    }

    @Test("on an instance, the region is that of the instance")
    func instanceRegion() async throws {
        try await WhoamiUser.with(knobs: ["instance_region": "ap-southeast-4"]) { person in
            let said = try await person.whoami(
                ["--json"],
                ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "<emulator>"])
            #expect(said["region"] == "ap-southeast-4")
            #expect(said["region_from"] == "instance metadata")
        }
    }

    static let wrong = "http://127.0.0.1:9"
    static let endpoints: [(environment: [String: String], config: String, from: String)] = [
        (["AWS_ENDPOINT_URL_STS": "<emulator>", "AWS_ENDPOINT_URL": wrong], "", "AWS_ENDPOINT_URL_STS"),
        (["AWS_ENDPOINT_URL": "<emulator>"], "endpoint_url = \(wrong)\n", "AWS_ENDPOINT_URL"),
        (
            ["AWS_ENDPOINT_URL": ""],
            "services = s\nendpoint_url = \(wrong)\n[services s]\nsts =\n  endpoint_url = <emulator>\n",
            "services s, ~/.aws/config:6"
        ),
        (["AWS_ENDPOINT_URL": ""], "endpoint_url = <emulator>\n", "profile default, ~/.aws/config:2"),
    ]

    @Test("environment variables take precedence over the profile's endpoints", arguments: endpoints.indices)
    func endpoint(_ index: Int) async throws {
        let (environment, config, from) = Self.endpoints[index]
        try await WhoamiUser.with(config: "[default]\n" + config) { person in
            let said = try await person.whoami(["--json"], WhoamiUser.variables.merging(environment) { $1 })
            #expect(said.status.isSuccess, "\(said.errors)")
            let first = (said.json["endpoints"] as? [[String: Any]])?.first
            #expect(first?["from"] as? String == from)
            #expect(first?["url"] as? String == person.emulator.url)
        }
    }
}
