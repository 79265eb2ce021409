import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Workbench

@testable import Releasing

/// Somebody who publishes with the real program: an account with the permanent stacks, and a folder with a definition.
struct ReleasePublisher: Sendable {
    let emulator: AWSEmulator
    let client: AWSClient
    let folder: String
    let bucket: String
    let domain: String

    static func with(_ body: (ReleasePublisher) async throws -> Void) async throws {
        try await AWSEmulator.with { emulator in
            try await withTemporaryDirectory { folder in
                _ = try SandboxFolder(in: folder)
                try writeAtomically(
                    "# Changelog\n\n## [1.0.0] - 2026-11-24\n\n- All of it.\n", to: "\(folder)/CHANGELOG.md")
                let environment = account(emulator, folder)
                for command in ["setup-vm-bucket-waf", "setup-vm-bucket"] {
                    let said = try await dss([command, "--yes", "--json"], in: folder, environment)
                    guard said.status.isSuccess else { throw NoServer(said: said.errors) }
                }
                try await withHTTPTransport { transport in
                    let client = emulator.client(transport)
                    let stacks = try await client.call(CloudFormation.DescribeStacks()).stacks
                    let outputs = stacks.first { $0.stackName == "DATA-SCIENCE-SANDBOX-VM-Bucket" }?.outputs ?? []
                    func output(_ key: String) -> String { outputs.first { $0.outputKey == key }?.outputValue ?? "" }
                    try await body(
                        ReleasePublisher(
                            emulator: emulator, client: client, folder: folder, bucket: output("VMBucketId"),
                            domain: output("CfDistributionDomainName")))
                }
            }
        }
    }

    func dss(_ words: String..., adding environment: [String: String] = [:]) async throws -> ProgramOutput {
        try await Self.dss(words, in: folder, account.merging(environment) { $1 })
    }

    /// `update-release` of the build 1.0.0, with a release on GitHub's stand-in.
    func update(_ hub: FakeGitHub, _ more: [String] = []) async throws -> ProgramOutput {
        let words = [
            "update-release", "--release-id", "\(hub.ids[0])", "--asset-id", "1.0.0", "--repository",
            hub.repository.description,
        ]
        let environment = ["GH_TOKEN": FakeGitHub.writer, "GITHUB_API_URL": "\(hub.url)/api/v3"]
        return try await Self.dss(words + more, in: folder, account.merging(environment) { $1 })
    }

    static func dss(_ words: [String], in folder: String, _ environment: [String: String] = [:]) async throws
        -> ProgramOutput
    {
        let world = [
            "HOME": folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true",
        ]
        return try await Program.run(words, world.merging(environment) { $1 }, in: folder)
    }

    var account: [String: String] { Self.account(emulator, folder) }

    private static func account(_ emulator: AWSEmulator, _ folder: String) -> [String: String] {
        emulator.environment(home: folder).merging(["AWS_POLL_DELAY_SECONDS": "0.02"]) { $1 }
    }

    // What there is.

    /// A finished build: its files in the bucket, of the sizes that the manifest says, and its AMI.
    func build(
        _ id: String, version: String = "1.0.0", day: Int = 24, container: Manifest.Container? = nil
    ) async throws -> Manifest {
        let files = [ImageFormat.vhd, .vmdk].map { format in
            let bytes = Array("\(id) \(format)".utf8)
            return Manifest.File(
                name: "small-\(id).\(format.rawValue)", format: format, bytes: Int64(bytes.count),
                sha256: SHA256Checksum(of: bytes).hexadecimal)
        }
        var manifest = try sampleManifest(id, version: version, day: day, files: files)
        manifest.container = container
        for file in files { try await put("\(id)/\(file.name)", "\(id) \(file.format)") }
        try await put("\(id)/\(Manifest.fileName)", manifest.json)
        return manifest
    }

    func put(_ name: String, _ text: String) async throws {
        let key = "data_science_sandbox/\(name)"
        _ = try await client.call(S3.PutObject(bucket: bucket, key: key, body: Array(text.utf8)))
    }

    func get(_ key: String) async throws -> S3.GetObject.Output {
        try await client.call(S3.GetObject(bucket: bucket, key: key))
    }

    /// An AMI of an asset id, by its tag.
    func image(_ id: String, in region: String = "eu-central-1") async throws -> String {
        try await client.region(region).makeImage(
            "Sandbox-\(id)",
            tags: [EC2.TagSpecification(resourceType: "image", tags: [EC2.Tag(key: "exa_dss_id", value: id)])])
    }

    /// How often an operation was done.
    func count(_ action: String) async throws -> Int {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.count { $0["action"] as? String == action && $0["applied"] as? Bool == true }
    }
}
