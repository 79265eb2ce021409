import AWSTestSupport
import Testing
import Workbench

/// In the suite of the commands, since all of them share one account.
extension CommandTests {
    /// `docker-image.json` as `create-docker-image --publish --list-on-aws` stores it.
    private static let record = """
        {
          "assetID" : "1.0.0",
          "digest" : "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "inputs" : "i",
          "isPublished" : true,
          "jupyterPort" : 49494,
          "layers" : [{ "bytes" : 1024, "digest" : "sha256:aa", "name" : "base" }],
          "missing" : [{ "component" : "docker", "reason" : "not in a container" }],
          "reference" : "registry.example:5000/exasol/small:1.0.0",
          "user" : "ubuntu"
        }
        """
    /// What the repository of the definition and the version make, where nobody says otherwise.
    private static let usual = "docker pull exasol/data-science-sandbox:1.0.0"

    private func pullLines(of body: String?) -> [String] {
        (body ?? "").split(separator: "\n").map(String.init).filter { $0.hasPrefix("docker pull") }
    }

    @Test("update-release takes the container image from its record in the bucket, unless one is named")
    func listedImage() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            _ = try await releaser.build("1.0.0")
            // That of another asset id is not looked at.
            try await releaser.put("0.9.0/docker-image.json", Self.record.replacing("/small:1.0.0", with: "/old:0.9.0"))
            try await releaser.put("1.0.0/docker-image.json", Self.record)
            let said = try await releaser.update(hub)
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(
                pullLines(of: try await hub.bodies()[0]) == ["docker pull registry.example:5000/exasol/small:1.0.0"])

            let named = try await releaser.update(hub, ["--docker-image", "example/mine:2", "--dry-run"])
            #expect(pullLines(of: named.output) == ["docker pull example/mine:2"], "\(named.errors)")
            let none = try await releaser.update(hub, ["--docker-image", "none", "--dry-run"])
            #expect(none.status.isSuccess && pullLines(of: none.output).isEmpty, "\(none.errors)")
        }
    }

    @Test(
        "update-release names the repository's container image where the record is none of ours",
        arguments: ["<html>404</html>", "{}", ""])
    func strangeRecord(text: String) async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            _ = try await releaser.build("1.0.0")
            try await releaser.put("1.0.0/docker-image.json", text)
            let said = try await releaser.update(hub)
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(pullLines(of: try await hub.bodies()[0]) == [Self.usual])
        }
    }

    @Test("update-release changes nothing where AWS refuses to show the record")
    func refusedRecord() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            _ = try await releaser.build("1.0.0")
            try await releaser.put("1.0.0/docker-image.json", Self.record)
            // The first is of the manifest.
            try await releaser.emulator.control(["faults": [["kind": "denied", "action": "GetObject", "after": 1]]])
            let said = try await releaser.update(hub)
            #expect(said.status == .exited(77), "\(said.errors)")
            #expect(try await hub.bodies() == ["Words."])
        }
    }
}
