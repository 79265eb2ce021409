import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Testing
import Workbench

extension ImageSuites {
    @Suite("dss make-ami-public")
    struct MakeAMIPublicTests {
        @Test("image and snapshot become public and private again, for any number of runs")
        func thereAndBack() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let unasked = try await account.dss("make-ami-public", image.id)
                #expect(unasked.status == .exited(64) && unasked.errors.contains("add --yes"))
                for _ in 1...2 {
                    let said = try await account.dss("make-ami-public", "--asset-id", "1.0", "--yes", "--json")
                    #expect(said.status.isSuccess, "\(said.errors)")
                    #expect(said.rows.map { $0["now"] as? String } == ["public", "public"])
                }
                #expect(try await account.isPublic(image.id, image.snapshotID) == [true, true])
                #expect(try await account.count("ModifyImageAttribute") == 1)
                for _ in 1...2 {
                    let said = try await account.dss("make-ami-public", image.id, "--undo", "--yes")
                    #expect(said.status.isSuccess, "\(said.errors)")
                }
                #expect(try await account.isPublic(image.id, image.snapshotID) == [false, false])
            }
        }

        @Test("no at the question changes nothing")
        func declined() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let seen = try await Program.atTerminal(
                    ["make-ami-public", image.id], account.emulator.environment(home: account.home)
                ) { program in
                    _ = try await program.expect("public? [y/N]")
                    try await program.send("n")
                }
                #expect(seen.contains("nothing was changed") && seen.contains(/rc=1\s/), "\(seen)")
                #expect(try await account.isPublic(image.id, image.snapshotID) == [false, false])
            }
        }

        static let limits: [(knobs: [String: any Sendable], word: String, code: Int32)] = [
            (["quotas": ["L-0E3CBAB9": 0]], "'Public AMIs' is exhausted", 75),
            (["image_public_access": "block-new-sharing"], "disable-image-block-public-access", 77),
            (["snapshot_public_access": "block-all-sharing"], "disable-snapshot-block-public-access", 77),
        ]

        @Test("what the account does not allow is reported before any change", arguments: limits.indices)
        func obstacles(_ index: Int) async throws {
            let (knobs, word, code) = Self.limits[index]
            try await ImageAccount.with(knobs: knobs) { account in
                let image = try await account.upload()
                let said = try await account.dss("make-ami-public", image.id, "--yes")
                #expect(said.status == .exited(code) && said.errors.contains(word), "\(said.errors)")
                #expect(try await account.count("ModifySnapshotAttribute") == 0)
            }
        }

        @Test("if the second step fails, the first one is rolled back")
        func halfWay() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                try await account.order("denied", "ModifyImageAttribute")
                let said = try await account.dss("make-ami-public", image.id, "--yes")
                #expect(said.status == .exited(77) && said.errors.contains("ModifyImageAttribute"), "\(said.errors)")
                #expect(try await account.count("ModifySnapshotAttribute") == 2)
                #expect(try await account.isPublic(image.id, image.snapshotID) == [false, false])
            }
        }

        @Test("what stays public is named, and so is what became private")
        func undoneByHalf() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                try await account.dss("make-ami-public", image.id, "--yes")
                try await account.order("denied", "ModifySnapshotAttribute")
                let said = try await account.dss("make-ami-public", image.id, "--undo", "--yes")
                #expect(said.status == .exited(77), "\(said.errors)")
                #expect(said.errors.contains("\(image.snapshotID) in eu-central-1 may still be public"))
                #expect(said.errors.contains("\(image.id) is private now"), "\(said.errors)")
                #expect(try await account.isPublic(image.id, image.snapshotID) == [false, true])
            }
        }

        @Test("an image that has only our name is neither made public nor copied nor deleted")
        func foreign() async throws {
            try await ImageAccount.with { account in
                let id = try await account.client().makeImage("Exasol-Data-Science-Sandbox-1.0")
                for command in [["make-ami-public", "--yes"], ["copy-ami", "--to", "us-east-1"]] {
                    let said = try await account.run(command + ["--asset-id", "1.0"])
                    #expect(said.status == .exited(65), "\(said.errors)")
                    #expect(said.errors.contains("aws ec2 create-tags --resources \(id)"), "\(said.errors)")
                }
                let kept = try await account.dss("delete-aws-assets", "--asset-id", "1.0", "--yes")
                #expect(kept.output.contains("keeping ami \(id): it has only the name"), "\(kept.output)")
                #expect(try await account.images().map(\.imageId) == [id])
                let removed = try await account.dss("delete-aws-assets", "--asset-id", "1.0", "--adopt", "--yes")
                #expect(removed.status.isSuccess, "\(removed.errors)")
                #expect(try await account.images().isEmpty)
            }
        }

        @Test("an image of another account, or a missing one, is refused")
        func unknown() async throws {
            try await ImageAccount.with { account in
                let said = try await account.dss("make-ami-public", "ami-0123456789abcdef0", "--yes")
                #expect(said.status == .exited(65) && said.errors.contains("has no AMI"), "\(said.errors)")
                #expect(try await account.dss("make-ami-public", "--asset-id", "9.9").status == .exited(65))
                #expect(try await account.dss("make-ami-public").status == .exited(64))
            }
        }
    }
}

extension ImageAccount {
    func isPublic(_ image: String, _ snapshot: String, in region: String = "eu-central-1") async throws -> [Bool] {
        let client = client(region)
        let launch = try await client.call(EC2.DescribeImageAttribute(imageId: image)).launchPermissions
        let create = try await client.call(EC2.DescribeSnapshotAttribute(snapshotId: snapshot)).createVolumePermissions
        return [launch, create].map { $0.contains { $0.group == "all" } }
    }
}
