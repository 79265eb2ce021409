import AWSTestSupport
import Sandbox
import Testing
import Workbench

/// In the suite of the commands, since all of them share one account.
extension CommandTests {
    /// The entry of the manifest that `create-docker-image --publish --list-on-aws` writes.
    private static func container(_ tag: String) -> Manifest.Container {
        var container = Manifest.Container(
            reference: "registry.example:5000/exasol/\(tag)", digest: "sha256:\(String(repeating: "a", count: 64))",
            layers: [.init(name: "base", digest: "sha256:aa", bytes: 1024)],
            missing: [.init(component: "docker", reason: "not in a container")], user: "ubuntu", jupyterPort: 49494,
            inputs: "i")
        container.isPublished = true
        return container
    }

    /// What the repository of the definition and the version make, where nobody says otherwise.
    private static let usual = "docker pull exasol/data-science-sandbox:1.0.0"

    private func pullLines(of body: String?) -> [String] {
        (body ?? "").split(separator: "\n").map(String.init).filter { $0.hasPrefix("docker pull") }
    }

    @Test("update-release takes the container image from the manifest in the bucket, unless one is given")
    func listedImage() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            // The container of another asset id is ignored.
            _ = try await releaser.build("0.9.0", container: Self.container("old:0.9.0"))
            _ = try await releaser.build("1.0.0", container: Self.container("small:1.0.0"))
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

    @Test("update-release names the repository's container image if the manifest describes none")
    func noContainer() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            _ = try await releaser.build("1.0.0")
            let said = try await releaser.update(hub)
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(pullLines(of: try await hub.bodies()[0]) == [Self.usual])
        }
    }

    @Test("update-release changes nothing if AWS denies access to the manifest")
    func refusedRecord() async throws {
        let hub = try await FakeGitHub()
        try await ReleasePublisher.with { releaser in
            _ = try await releaser.build("1.0.0", container: Self.container("small:1.0.0"))
            try await releaser.emulator.control(["faults": [["kind": "denied", "action": "GetObject"]]])
            let said = try await releaser.update(hub)
            #expect(said.status == .exited(77), "\(said.errors)")
            #expect(try await hub.bodies() == ["Words."])
        }
    }
}
