import AWSCore
import AWSServices
import Foundation
import Sandbox
import Testing

@testable import AWSProvider

/// What is made of what AWS tells, without AWS.
@Suite("Assets on AWS")
struct AssetsPureTests {
    static func asset(
        _ kind: Asset.Kind, _ id: String, parent: String? = nil, state: String = "available",
        _ change: (inout Asset) -> Void = { _ in }
    ) -> Asset {
        var asset = Asset(kind, in: "eu-central-1", assetID: "0.1.0", id: id, state: state)
        asset.parent = parent
        change(&asset)
        return asset
    }

    @Test(
        "an asset id is known by the tag, else by the name",
        arguments: [
            ("*", "1.0", "x", "1.0"), ("1.*", "1.0", "x", "1.0"), ("2.*", "1.0", "x", nil),
            ("*", nil, "EC2-DATA-SCIENCE-SANDBOX-1-0", "1-0"), ("1.0", nil, "EC2-DATA-SCIENCE-SANDBOX-1-0", "1-0"),
            ("1.?", nil, "EC2-DATA-SCIENCE-SANDBOX-1-0", "1-0"), ("1.0", nil, "EC2-DATA-SCIENCE-SANDBOX-1-1", nil),
            // The tag is right where the name says something else.
            ("1.0", "2.0", "EC2-DATA-SCIENCE-SANDBOX-1-0", nil), ("*", nil, "EC2-DATA-SCIENCE-SANDBOX-", nil),
            ("*", nil, "somebody's", nil),
        ] as [(String, String?, String, String?)])
    func owner(pattern: String, tag: String?, name: String, owner: String?) {
        let tags = [EC2.Tag(key: "other", value: "1.0")] + (tag.map { [EC2.Tag(key: "exa_dss_id", value: $0)] } ?? [])
        #expect(AssetRules(AssetPattern(pattern)).owner(tags, stackName: name) == owner)
    }

    @Test("what lacks our tag has only our name, whatever its other tags say", arguments: [true, false])
    func nameOnly(isTagged: Bool) throws {
        let rules = AssetRules(AssetPattern("*"))
        let tag = "<item><key>\(isTagged ? rules.tagKey : "Name")</key><value>1.0</value></item>"
        let images = try EC2.DescribeImages().decode(
            HTTPResponse(
                status: 200,
                body: Array(
                    """
                    <DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><imageState>available</imageState>\
                    <name>Exasol-Data-Science-Sandbox-1.0</name><tagSet>\(tag)</tagSet></item></imagesSet>\
                    </DescribeImagesResponse>
                    """.utf8)))
        let image = try #require(images.images.first)
        #expect(rules.owner(image.tags, amiName: image.name) == "1.0")
        #expect(Asset(image, in: "eu-central-1", of: "1.0", rules).isNameOnly != isTagged)
        let pairs = try EC2.DescribeKeyPairs().decode(
            HTTPResponse(
                status: 200,
                body: Array(
                    """
                    <DescribeKeyPairsResponse><keySet><item><keyPairId>key-1</keyPairId>\
                    <keyName>EC2-DATA-SCIENCE-SANDBOX-1-0</keyName><tagSet>\(tag)</tagSet></item></keySet>\
                    </DescribeKeyPairsResponse>
                    """.utf8)))
        let pair = try #require(pairs.keyPairs.first)
        #expect(Asset(pair, in: "eu-central-1", of: "1-0", rules).isNameOnly != isTagged)
    }

    @Test(
        "S3 lists only matching keys; similar ones are not taken",
        arguments: [
            ("*", "data_science_sandbox/", "data_science_sandbox/1.0/x", "1.0"),
            ("1.*", "data_science_sandbox/1.", "data_science_sandbox/1.0/a/b", "1.0"),
            ("1.0", "data_science_sandbox/1.0/", "data_science_sandbox/1.0-rc/x", nil),
            ("*", "data_science_sandbox/", "data_science_sandbox/readme", nil),
            ("*", "data_science_sandbox/", "data_science_sandbox2/1.0/x", nil),
        ] as [(String, String, String, String?)])
    func keys(pattern: String, prefix: String, key: String, owner: String?) {
        let rules = AssetRules(AssetPattern(pattern))
        #expect(rules.keyPrefix == prefix)
        #expect(rules.owner(ofKey: key) == owner)
    }

    @Test("what belonged to a stack or an image that is gone is an orphan")
    func orphans() {
        var findings = RegionFindings(region: "eu-central-1")
        findings.stacks = ["S"]
        findings.stackOfResource = ["i-1": "S"]
        findings.images = ["ami-1": "0.1.0", "ami-9": ""]
        findings.imageOfSnapshot = ["snap-1": "ami-1", "snap-9": "ami-9"]
        findings.assets = [
            Self.asset(.instance, "i-1"), Self.asset(.instance, "i-2", parent: "gone"), Self.asset(.instance, "i-3"),
            Self.asset(.instance, "i-4") { $0.isEnded = true },
            Self.asset(.snapshot, "snap-1"), Self.asset(.snapshot, "snap-2", parent: "ami-gone"),
            Self.asset(.snapshot, "snap-3", parent: "ami-1", state: "pending"),
            Self.asset(.snapshot, "snap-4", parent: "ami-gone", state: "pending"), Self.asset(.snapshot, "snap-9"),
            Self.asset(.exportTask, "export-1", parent: "ami-1"), Self.asset(.exportTask, "export-2", parent: "ami-2"),
            Self.asset(.keyPair, "key-1"),
        ]
        let found = findings.accounted()
        #expect(
            found.filter(\.isOrphan).map(\.id) == ["i-2", "i-3", "snap-2", "export-2", "key-1"])
        #expect(found.first { $0.id == "snap-3" }?.parent == "ami-1")
        #expect(found.first { $0.id == "snap-4" }?.parent == nil)
        #expect(found.first { $0.id == "snap-9" }?.parent == "ami-9")
        #expect(found.first { $0.id == "i-1" }?.parent == "S")
    }

    @Test("what writes goes first, an image before its snapshots")
    func order() {
        let plan = RemovalPlan(
            [
                Self.asset(.s3Object, "object"), Self.asset(.snapshot, "snap-1", parent: "ami-1"),
                Self.asset(.ami, "ami-1"), Self.asset(.instance, "i-1", parent: "S"), Self.asset(.stack, "S"),
                Self.asset(.instance, "i-2") { $0.isOrphan = true },
                Self.asset(.exportTask, "export-1", parent: "ami-1"),
                Self.asset(.build, "build"), Self.asset(.upload, "upload"), Self.asset(.keyPair, "key-1"),
                Self.asset(.resource, "part", parent: "S"), Self.asset(.exportTask, "export-2") { $0.isEnded = true },
                Self.asset(.stack, "P") { $0.isPermanent = true },
            ], order: AWSAssets.removalOrder)
        #expect(
            plan.waves.map { $0.map(\.id) } == [
                ["export-1", "build"], ["S", "i-2"], ["ami-1", "key-1"], ["snap-1"], ["upload"], ["object"],
            ])
        #expect(plan.spared.map(\.asset.id) == ["P"])
    }

    @Test("what is kept keeps what it needs")
    func keep() {
        let assets = [
            Self.asset(.ami, "ami-1"), Self.asset(.snapshot, "snap-1", parent: "ami-1"),
            Self.asset(.snapshot, "snap-2") { $0.isOrphan = true }, Self.asset(.stack, "S"),
            Self.asset(.instance, "i-1", parent: "S"), Self.asset(.snapshot, "snap-3", parent: "ami-stranger"),
        ]
        let plan = RemovalPlan(assets, order: AWSAssets.removalOrder, keeping: [.ami, .stack])
        #expect(plan.assets.map(\.id) == ["snap-2"])
        #expect(
            plan.spared.map { "\($0.asset.id): \($0.reason)" } == [
                "ami-1: --keep ami", "snap-1: ami-1 uses it, which stays", "S: --keep stack",
                "i-1: S has it, which stays", "snap-3: ami-stranger uses it, which stays",
            ])
    }

    @Test("the parts of an expired asset are removed with it")
    func expiry() {
        let now = Date(timeIntervalSince1970: 1000)
        let assets = [
            Self.asset(.ami, "ami-1") { $0.expires = now }, Self.asset(.snapshot, "snap-1", parent: "ami-1"),
            Self.asset(.ami, "ami-2") { $0.expires = now + 1 }, Self.asset(.snapshot, "snap-2", parent: "ami-2"),
            Self.asset(.s3Object, "object"),
        ]
        #expect(assets.expired(at: now).map(\.id) == ["ami-1", "snap-1"])
    }

    @Test("an upload unfinished after a day is abandoned", arguments: [(23, false), (25, true)])
    func uploads(hours: Int, isAbandoned: Bool) throws {
        let answer = HTTPResponse(
            status: 200,
            body: Array(
                """
                <ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>p/1/a</Key>\
                <UploadId>u</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>\
                </ListMultipartUploadsResult>
                """.utf8))
        let upload = try #require(try S3.ListMultipartUploads(bucket: "b").decode(answer).uploads.first)
        let now = try Date("2026-01-02T03:04:05Z", strategy: .iso8601).addingTimeInterval(Double(hours) * 3600)
        let bucket = AssetBucket(name: "b", prefix: "p", region: "eu-central-1", domain: nil)
        let asset = Asset(
            upload, bytes: 1 << 30, in: "eu-central-1", of: "1", bucket, PriceList.shipped, at: now)
        #expect(asset.isOrphan == isAbandoned)
        #expect(asset.state == (isAbandoned ? "abandoned" : "unfinished"))
        #expect(asset.monthlyCost ?? 0 > 0)
    }

    @Test("old versions of an object are separate assets")
    func versions() {
        let versions = ["v1", "v2"].map { version in Self.asset(.s3Object, "p/1/a") { $0.version = version } }
        let plan = RemovalPlan(versions, order: AWSAssets.removalOrder)
        #expect(plan.assets.count == 2)
        #expect(plan.count(besides: [Leftover(versions[0], reason: "")]) == 1)
    }

    @Test("a month's costs follow the list, which has a date and a default")
    func costs() throws {
        let prices = PriceList.shipped
        #expect(prices.date.wholeMatch(of: /20\d\d-\d\d/) != nil)
        #expect(prices.snapshot(bytes: 10 << 30, in: "eu-central-1") == 0.54)
        #expect(prices.price("gp3", in: "mars-north-1") == 0.152)
        let running = try #require(
            prices.instance("t3.medium", isRunning: true, diskGiB: 100, hasAddress: true, in: "eu-central-1"))
        #expect(abs(running - (9.52 + 0.053 * 730)) < 0.001)
        let stopped = try #require(
            prices.instance("t3.medium", isRunning: false, diskGiB: 100, hasAddress: false, in: "eu-central-1"))
        #expect(abs(stopped - 9.52) < 0.001)
        #expect(prices.instance("x9.huge", isRunning: true, diskGiB: 1, hasAddress: true, in: "eu-central-1") == nil)
    }

    @Test("the command that removes something can be pasted as it is")
    func commands() {
        let bucket = AssetBucket(name: "b", prefix: "p", region: "eu-central-1", domain: nil)
        let object = Self.asset(.s3Object, "p/0.1 0/ü.vhd") { $0.bucket = bucket }
        #expect(object.removalCommand == "aws s3 rm 's3://b/p/0.1 0/ü.vhd' --region eu-central-1")
        #expect(object.url == "https://b.s3.eu-central-1.amazonaws.com/p/0.1%200/%C3%BC.vhd")
        let old = Self.asset(.s3Object, "p/1/a") { ($0.bucket, $0.version, $0.isSuperseded) = (bucket, "v1", true) }
        #expect(
            old.removalCommand
                == "aws s3api delete-object --bucket b --key p/1/a --version-id v1 --region eu-central-1")
        #expect(old.url == nil)
        #expect(
            Self.asset(.resource, "i-1", parent: "S").removalCommand
                == "aws cloudformation delete-stack --stack-name S --region eu-central-1")
    }
}
