import AWSCore
import AWSProvider
import AWSTestSupport
import Sandbox
import Testing

/// Which AMI a build starts from, against the emulator's catalogue.
@Suite("The AMI to start from")
struct SourceImageTests {
    static func definition(
        _ distribution: SandboxDefinition.BaseSystem.Distribution, _ suite: String,
        _ architecture: Architecture = .amd64
    ) -> SandboxDefinition {
        let base = SandboxDefinition.BaseSystem(distribution: distribution, suite: suite, architecture: architecture)
        return SandboxDefinition(
            name: "lab", version: "0.1.0", base: base, playbook: .init(file: "", pins: "", roles: []),
            aws: .init(sourceImage: .init(of: base)))
    }

    static let bookworm = definition(.debian, "bookworm")

    func found(_ definition: SandboxDefinition, ami: String? = nil) async throws -> SourceImage {
        try await EmulatedAccount.with { _, client in
            try await AWSWorkspace(client, try AssetID("0.1.0"), names: .init()).sourceImage(definition, ami: ami)
        }
    }

    @Test(
        "the newest of the definition's owner, name and architecture",
        arguments: [
            (bookworm, "debian-12-amd64-20250115-1234", "/dev/xvda"),
            (definition(.debian, "trixie", .arm64), "debian-13-arm64-20250115-1234", "/dev/xvda"),
            (
                definition(.ubuntu, "jammy"), "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20250115",
                "/dev/sda1"
            ),
            (
                definition(.ubuntu, "noble", .arm64),
                "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20250115", "/dev/sda1"
            ),
        ])
    func newest(_ definition: SandboxDefinition, _ name: String, _ device: String) async throws {
        let source = try await found(definition)
        #expect(source.name == name)
        #expect(source.rootDeviceName == device)
        #expect(source.rootGiB == 15)
        #expect(source.bootMode == "uefi-preferred")
        #expect(!source.isEncrypted && !source.isSold)
    }

    @Test(
        "a parameter's image, from the command line and from the definition",
        arguments: [
            "resolve:ssm:/aws/service/debian/release/12/latest/amd64",
            "ssm:/aws/service/debian/release/bookworm/latest/amd64", "/aws/service/debian/release/12/latest/amd64",
        ])
    func parameter(_ text: String) async throws {
        let newest = try await found(Self.bookworm)
        #expect(try await found(Self.bookworm, ami: text) == newest)
        var definition = Self.bookworm
        definition.aws.sourceImage = .init(
            owner: "self", name: "nothing", parameter: "/aws/service/debian/release/12/latest/amd64")
        #expect(try await found(definition) == newest)
        #expect(try await found(definition, ami: newest.id) == newest)
    }

    @Test("an existing image may be given, even if it is not the newest")
    func named() async throws {
        let old = "ami-0000000000000000d"
        #expect(try await found(Self.bookworm, ami: old).name == "debian-12-amd64-20240301-1234")
    }

    @Test(
        "unsuitable images are refused with the reason",
        arguments: [
            ("ami-0000000000000beef", "AMI ami-0000000000000beef does not exist in eu-central-1"),
            ("ami-00000000000000010", "it is for arm64, but base.architecture is amd64"),
            ("jammy", "'jammy' is neither an AMI id"), ("ami-XYZ", "'ami-XYZ' is neither an AMI id"),
            ("ssm:/my/own/image", "SSM parameter /my/own/image does not exist in eu-central-1"),
            (
                "/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id",
                "it is for arm64, but base.architecture is amd64"
            ),
        ])
    func refusals(_ ami: String, _ message: String) async throws {
        let failure = await #expect(throws: Failure.self) { _ = try await found(Self.bookworm, ami: ami) }
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
        #expect(failure?.advice != nil)
    }

    @Test("without a match, owner, name and region are named")
    func nothing() async throws {
        let failure = await #expect(throws: Failure.self) { _ = try await found(Self.definition(.debian, "sid")) }
        #expect(
            failure?.message
                == "no source AMI found: account 136693071363 has no AMI in eu-central-1 with the name "
                + "'debian-sid-amd64-*' and the architecture x86_64")
    }
}
