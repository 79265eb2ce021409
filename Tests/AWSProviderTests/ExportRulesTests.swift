import AWSProvider
import AWSServices
import Foundation
import Sandbox
import Testing

/// What is decided without asking AWS.
@Suite("Choosing and planning an export")
struct ExportRulesTests {
    @Test(
        "the method and why",
        arguments: [
            (.auto, [.vhd, .vmdk], .elsewhere, .vmExport, "outside of AWS"),
            (.auto, [.vhd, .vmdk], .ec2, .ebsDirect, "EC2"),
            (.auto, [.raw], .codeBuild, .ebsDirect, "CodeBuild"),
            (.auto, [.vmdk, .qcow2, .ova], .elsewhere, .ebsDirect, "cannot make qcow2, ova"),
            (.auto, [.vhd, .vhdFixed, .vhdx, .gcp], .elsewhere, .ebsDirect, "cannot make vhd-fixed, vhdx, gcp"),
            (.auto, [.vmdk, .vmdkSparse], .elsewhere, .ebsDirect, "cannot make vmdk-sparse"),
            (.vmExport, [.raw], .ec2, .vmExport, "asked for"),
            (.ebsDirect, [.vhd], .elsewhere, .ebsDirect, "asked for"),
        ] as [(ExportMethod, [ImageFormat], ExportPlace, ExportMethod, String)])
    func choice(
        _ wanted: ExportMethod, _ formats: [ImageFormat], _ place: ExportPlace, _ method: ExportMethod, _ why: String
    ) throws {
        let choice = try ExportMethod.choose(wanted, formats: formats, at: place)
        #expect(choice.method == method)
        #expect(choice.reason.contains(method.rawValue) && choice.reason.contains(why), "\(choice.reason)")
    }

    @Test(
        "formats that AWS cannot export are refused for vm-export",
        arguments: [ImageFormat.ova, .vhdFixed, .vhdx, .gcp, .vmdkSparse])
    func impossible(format: ImageFormat) {
        let error = #expect(throws: Failure.self) {
            try ExportMethod.choose(.vmExport, formats: [.vmdk, format], at: .elsewhere)
        }
        #expect(error?.code == .usage)
        #expect(error?.message.hasSuffix(" \(format.rawValue)") == true)
        #expect(error?.advice?.contains("--export-method ebs-direct") == true)
    }

    @Test("detection of the local instance")
    func place() {
        #expect(ExportPlace(environment: ["CODEBUILD_BUILD_ID": "p:1"], vendor: nil) == .codeBuild)
        #expect(ExportPlace(environment: [:], vendor: "Amazon EC2\n") == .ec2)
        #expect(ExportPlace(environment: [:], vendor: "LENOVO") == .elsewhere)
        #expect(ExportPlace(environment: [:], vendor: nil) == .elsewhere)
    }

    @Test(
        "the parts of a copy cover the object, within the bounds of S3",
        arguments: [6 << 30, (6 << 30) + 1, 100 << 30, 5_497_558_138_880])
    func parts(size: Int) {
        let parts = RenamePlan().parts(of: size)
        #expect(parts.count <= 10_000)
        #expect(parts.map(\.number) == Array(1...parts.count))
        #expect(parts.first?.range.lowerBound == 0)
        #expect(parts.last?.range.upperBound == size - 1)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.range.upperBound + 1 == $1.range.lowerBound })
        #expect(parts.dropLast().allSatisfy { (5 << 20...5 << 30).contains($0.range.count) })
    }

    @Test("missing components fit into a tag, shortened but readable", arguments: [0, 1, 3, 9, 60])
    func missingTag(count: Int) throws {
        let missing = (0..<count).map {
            MissingComponent(component: "component-\($0)", reason: "no \"network\" at all, tried \($0) times – ÄÖÜ")
        }
        let text = MissingTag.text(missing)
        #expect(text.utf16.count <= 255)
        let read = MissingTag.components(text)
        if count <= 3 { #expect(read == missing) }
        #expect(read.isEmpty == missing.isEmpty)
        #expect(zip(read, missing).dropLast().allSatisfy { $0.component == $1.component })
        if count == 60 { #expect(read.last?.component.hasSuffix(" more") == true) }
    }

    @Test("an image tells by its tags what it was made of")
    func facts() {
        let facts = ImageFacts(
            inputs: "abc", missing: [.init(component: "docker", reason: "offline")], user: "ubuntu", jupyterPort: 49494)
        #expect(ImageFacts(facts.tags) == facts)
        #expect(ImageFacts([EC2.Tag(key: "dss-inputs", value: "abc")]) == nil)
    }

    @Test("an address can be copied whatever the asset id is")
    func address() {
        let bucket = ImageBucket(name: "b", exportRole: "r", domain: "d1.cloudfront.net")
        #expect(bucket.url(of: "p/a b_1/x+y.vmdk") == "https://d1.cloudfront.net/p/a%20b_1/x%2By.vmdk")
    }
}
