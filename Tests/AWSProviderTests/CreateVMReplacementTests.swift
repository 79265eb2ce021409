import AWSCore
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// What a build replaces, and what it refuses to.
@Suite("create-vm on AWS over an earlier build", .serialized, .timeLimit(.minutes(10)))
struct CreateVMReplacementTests {
    @Test("--new-password replaces AMI and images, --only-formats removes the others, another sandbox is refused")
    func replaced() async throws {
        try await CreateVMBuilder.with { builder in
            let before = try await builder.census()
            func contents() async throws -> [String: [String]] {
                AccountContents(of: "again", in: try await builder.census(), since: before).names
            }
            let first = try await builder.createVM("again", "--export-method", "vm-export")
            try #require(first.status == .exited(0), "\(first.standardError)")
            let made = try await contents()
            let images = try await builder.census()["images"]

            let same = try await builder.createVM("again", "--export-method", "vm-export")
            #expect(same.status == .exited(0) && same.standardError.contains("add --new-password"), "\(same)")

            let second = try await builder.createVM(
                "again", "--export-method", "vm-export", "--new-password", "--format", "vmdk")
            try #require(second.status == .exited(0), "\(second.standardError)")
            #expect(second.standardError.contains("replacing AMI ami-"), "\(second.standardError)")
            #expect(try await contents() == made)
            #expect(try await builder.census()["images"] != images)
            let seals = builder.machine.commands.filter { $0 == "seal" }
            #expect(seals.count == 2)

            let fewer = try await builder.createVM(
                "again", "--export-method", "vm-export", "--format", "vmdk", "--only-formats", "--yes")
            try #require(fewer.status == .exited(0), "\(fewer.standardError)")
            let objects = try await contents()["objects"] ?? []
            #expect(objects.count == (made["objects"]?.count ?? 0) - 1, "\(objects)")
            #expect(try await contents()["images"] == made["images"])

            let definition = builder.sandbox.definition
            try writeAtomically(readText(definition).replacing("name: small", with: "name: other"), to: definition)
            let other = try await builder.createVM("again", "--export-method", "vm-export")
            #expect(other.status == .exited(65), "\(other)")
            #expect(other.standardError.contains("belongs to the sandbox 'small', and this one is 'other'"), "\(other)")
            #expect(!other.standardError.contains("setup"), "\(other.standardError)")
            #expect(try await contents()["objects"] == objects)

            // Before the image is built and pushed, not when it is listed.
            guard geteuid() == 0 else { return }
            let home = builder.home
            let listed = try await builder.dss(
                "create-docker-image", "--definition", definition, "--asset-id", "again", "--bucket", "\(home)/bucket",
                "--cache", "\(home)/cache", "--state", "\(home)/state", "--repository", "localhost:1/exasol/other",
                "--publish", "--list-on-aws")
            #expect(listed.status == .exited(65) && !fileExists("\(home)/cache"), "\(listed)")
            #expect(listed.standardError.contains("belongs to the sandbox 'small'"), "\(listed)")
        }
    }
}
