import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

extension ImageSuites {
    @Suite("dss copy-ami")
    struct CopyAMITests {
        static let regions = ["us-east-1", "us-west-2"]

        @Test("copies in all regions with tags and date, once for any number of runs")
        func whole() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                for state in ["copied", "was there"] {
                    let said = try await account.dss(
                        "copy-ami", "--asset-id", "1.0", "--to", "us-east-1", "us-west-2", "--json")
                    #expect(said.status.isSuccess, "\(said.errors)")
                    #expect(said.rows.map { $0["region"] as? String } == Self.regions)
                    #expect(said.rows.map { $0["state"] as? String } == [state, state])
                }
                let source = try #require(try await account.images().first)
                for region in Self.regions {
                    let copies = try await account.images(region)
                    #expect(copies.count == 1 && copies[0].name == image.name)
                    #expect(Set(copies[0].tags) == Set(source.tags))
                    #expect(copies[0].deprecationTime == source.deprecationTime)
                    let used = copies[0].blockDeviceMappings.compactMap(\.ebs?.snapshotId)
                    let snapshots = try await account.snapshots(region).filter { used.contains($0.snapshotId) }
                    #expect(snapshots.count == 1 && Set(snapshots[0].tags) == Set(source.tags))
                }
                #expect(try await account.count("CopyImage") == 2)
            }
        }

        @Test("public copies are public as a whole")
        func published() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let said = try await account.dss("copy-ami", image.id, "--to", "us-east-1", "--public", "--json")
                #expect(said.rows.first?["state"] as? String == "copied, public", "\(said.errors)")
                let copy = try #require(try await account.images("us-east-1").first)
                let snapshot = try #require(copy.blockDeviceMappings.first?.ebs?.snapshotId)
                #expect(try await account.isPublic(copy.imageId, snapshot, in: "us-east-1") == [true, true])
            }
        }

        @Test("a failed region does not stop the others and stays unchanged")
        func oneFails() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let stranger = EC2.RegisterImage(
                    name: image.name, architecture: "x86_64", rootDeviceName: "/dev/sda1", blockDeviceMappings: [])
                _ = try await account.client("us-west-2").call(stranger)
                let said = try await account.dss("copy-ami", image.id, "--to", "us-east-1,us-west-2", "--json")
                #expect(said.status == .exited(1))
                #expect(said.rows.map { $0["state"] as? String } == ["copied", "failed"])
                #expect((said.rows.last?["reason"] as? String)?.contains("is taken in us-west-2") == true)
                #expect(try await account.images("us-west-2").count == 1)
            }
        }

        @Test("a copy that AWS fails to make is removed")
        func fails() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                try await account.set(["ami_fail": "no room"])
                let said = try await account.dss("copy-ami", image.id, "--to", "us-east-1", "--json")
                #expect(said.status == .exited(1))
                #expect((said.rows.first?["reason"] as? String)?.contains("no room") == true, "\(said.output)")
                #expect(try await account.images("us-east-1").isEmpty)
            }
        }

        @Test("regions that the account cannot use are reported before copying")
        func regions() async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let closed = try await account.dss("copy-ami", image.id, "--to", "us-east-1", "me-south-1")
                #expect(closed.status == .exited(77) && closed.errors.contains("aws account enable-region"))
                let unknown = try await account.dss("copy-ami", image.id, "--to", "mars-1")
                #expect(unknown.status == .exited(64) && unknown.errors.contains("region 'mars-1' does not exist"))
                #expect(try await account.dss("copy-ami", image.id, "--to", "eu-central-1").status == .exited(64))
                #expect(try await account.count("CopyImage") == 0)
            }
        }

        @Test("Ctrl-C removes unfinished copies and their snapshots", arguments: [SIGINT, SIGTERM])
        func interrupted(_ signal: Int32) async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                let before = try await account.snapshots("us-east-1").map(\.snapshotId)
                try await account.set(["ami_polls": 1000])
                let said = try await account.dss(
                    "copy-ami", image.id, "--to", "us-east-1", "us-west-2", signal: signal
                ) { try await account.count("CopyImage") == 2 }
                #expect(said.code == 130, "\(said.errors)")
                for region in Self.regions { #expect(try await account.images(region).isEmpty) }
                #expect(try await account.snapshots("us-east-1").map(\.snapshotId) == before)
            }
        }

        @Test("lost responses make no second copy", arguments: ["applied-then-reset", "reset", "throttle"])
        func lost(_ kind: String) async throws {
            try await ImageAccount.with { account in
                let image = try await account.upload()
                try await account.order(kind, "CopyImage", ["times": 2])
                let said = try await account.dss("copy-ami", image.id, "--to", "us-east-1", "us-west-2")
                #expect(said.status.isSuccess, "\(said.errors)")
                for region in Self.regions { #expect(try await account.images(region).count == 1) }
            }
        }
    }
}
