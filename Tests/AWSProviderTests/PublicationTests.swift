import AWSCore
import AWSProvider
import AWSServices
import Foundation
import Sandbox
import Testing
import Workbench

/// What stands beside the images in the bucket.
extension ImageAndExportTests {
    @Suite("Publishing in S3")
    struct PublicationTests {
        @Test("the checksums are those of the objects, as sha256sum reads them")
        func checksums() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vhd, .vmdk])
                try await withTemporaryDirectory { folder in
                    for key in try await lab.keys {
                        let object = S3.GetObject(bucket: lab.bucket.name, key: lab.workspace.keyPrefix + key)
                        try Data(try await lab.client.call(object).body).write(to: URL(filePath: "\(folder)/\(key)"))
                    }
                    let check = Command("sha256sum", ["--check", "--strict", "SHA256SUMS"], workingDirectory: folder)
                    let said = try await SystemCommandRunner().execute(check)
                    #expect(said.status.isSuccess)
                    #expect(said.standardOutput == "lab-9.1.vhd: OK\nlab-9.1.vmdk: OK\n")
                }
            }
        }

        @Test("a build is finished only with its AMI, and with all objects as they were")
        func finished() async throws {
            try await ExportFixture.with { lab in
                let publication = lab.exporter
                let order = try lab.order()
                #expect(try await publication.finished(order, inputs: "inputs") == nil)
                let artifacts = try await lab.export()
                let finished = try #require(try await publication.finished(order, inputs: "inputs"))
                #expect(finished.artifacts == artifacts)
                #expect(finished.machineImage?.id == lab.image.id)
                #expect(finished.machineImage?.region == "eu-central-1")
                #expect(try await publication.finished(order, inputs: "others") == nil)
                #expect(try await publication.finished(lab.order([.vhd]), inputs: "inputs") == finished)
                #expect(try await publication.finished(lab.order([.vhd, .raw]), inputs: "inputs") == nil)

                let key = lab.workspace.keyPrefix + "lab-9.1.vhd"
                let bytes = [UInt8](repeating: 1, count: 4096)
                _ = try await lab.client.call(
                    S3.PutObject(bucket: lab.bucket.name, key: key, body: Array(bytes.dropLast())))
                #expect(try await publication.finished(order, inputs: "inputs") == nil, "another size")
                var other = S3.PutObject(bucket: lab.bucket.name, key: key, body: bytes)
                other.checksumSHA256 = SHA256Checksum(of: bytes).base64
                _ = try await lab.client.call(other)
                #expect(try await publication.finished(order, inputs: "inputs") == nil, "another content")
                _ = try await lab.client.call(S3.DeleteObject(bucket: lab.bucket.name, key: key))
                #expect(try await publication.finished(order, inputs: "inputs") == nil, "an object gone")
                try await lab.export()
                #expect(try await publication.finished(order, inputs: "inputs") != nil)
                _ = try await lab.client.call(EC2.DeregisterImage(imageId: lab.image.id))
                #expect(try await publication.finished(order, inputs: "inputs") == nil, "the AMI gone")
            }
        }

        @Test("what another sandbox or somebody else put under the asset id is refused; what a build left is not")
        func others() async throws {
            try await ExportFixture.with { lab in
                func refusal(_ order: BuildOrder) async -> Failure? {
                    await #expect(throws: Failure.self) { try await lab.exporter.requirePublishable(order) }
                }
                try await lab.export([.vhd])
                var other = try lab.order()
                other.definition.name = "other"
                let otherSandbox = await refusal(other)
                #expect(otherSandbox?.code == .badData && otherSandbox?.message.contains("sandbox 'lab'") == true)

                let key = lab.workspace.keyPrefix + "lab-9.1.raw"
                _ = try await lab.client.call(S3.PutObject(bucket: lab.bucket.name, key: key, body: [1]))
                let foreign = await refusal(try lab.order([.raw]))
                #expect(foreign?.code == .badData && foreign?.details == ["https://d1.cloudfront.net/\(key)"])
                // An export that was killed before there was a manifest has marked its objects.
                var ours = S3.PutObject(bucket: lab.bucket.name, key: key, body: [1])
                ours.metadata = ExportedObject.metadata(of: lab.image)
                _ = try await lab.client.call(ours)
                try await lab.exporter.requirePublishable(lab.order([.raw]))
            }
        }

        @Test("a build that is killed at any call while it publishes: the next one removes what is obsolete")
        func killedWhilePublishing() async throws {
            try await ExportFixture.with { first in
                var (lab, call) = (first, 1)
                while true {
                    try await lab.export([.vhd, .vmdk])
                    let line = InterceptedTransport.dying(lab.transport, at: call, after: true)
                    _ = try? await lab.export([.vmdk], only: true, through: line)
                    let order = try lab.order([.vmdk])
                    var isFinished = try await lab.exporter.finished(order, inputs: "inputs") != nil
                    if try await lab.keys.contains(Manifest.claimFileName) {
                        #expect(!isFinished, "killed at call \(call)")
                    }
                    try await lab.export([.vmdk], only: true)
                    isFinished = try await lab.exporter.finished(order, inputs: "inputs") != nil
                    #expect(isFinished, "killed at call \(call)")
                    let expected = ["SHA256SUMS", "START.md", "lab-9.1.vmdk", "manifest.json"]
                    #expect(try await lab.keys == expected, "killed at call \(call)")
                    if !line.isDead { break }
                    call += 1
                    lab = try await lab.again()
                }
                #expect(call > 5)
            }
        }

        @Test("an unreadable manifest counts as none")
        func unreadable() async throws {
            try await ExportFixture.with { lab in
                let key = lab.workspace.keyPrefix + "manifest.json"
                _ = try await lab.client.call(
                    S3.PutObject(bucket: lab.bucket.name, key: key, body: Array("<html>".utf8)))
                #expect(try await lab.exporter.finished(lab.order(), inputs: "x") == nil)
                try await lab.export()
                #expect(try await lab.exporter.finished(lab.order(), inputs: "inputs") != nil)
            }
        }

        @Test("START.md names the files of the build, is written anew with them, and goes with them")
        func startInstructions() async throws {
            try await ExportFixture.with { lab in
                let folder = lab.exporter.folder
                func text() async throws -> String {
                    let bytes = try #require(try await lab.store.read(folder.key(StartInstructions.fileName)))
                    return String(decoding: bytes, as: UTF8.self)
                }
                try await lab.export([.vmdk])
                let first = try await text()
                #expect(first.contains("lab-9.1.vmdk") && !first.contains("Hyper-V"), "\(first)")
                try await lab.export([.vhd, .vmdk])
                let second = try await text()
                #expect(second.contains("lab-9.1.vmdk") && second.contains("-VHDPath .\\lab-9.1.vhd"), "\(second)")
                try await folder.withdrawImages()
                #expect(try await lab.keys == ["lab-9.1.vhd", "lab-9.1.vmdk"])
            }
        }

        @Test("each kind of file says what it is")
        func contentTypes() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vmdk])
                try await lab.exporter.folder.publishReport(
                    markdown: "# Report\n", json: "{}\n")
                var types: [String: String] = [:]
                for key in try await lab.keys {
                    types[key] = try await lab.store.object(lab.workspace.keyPrefix + key)?.contentType
                }
                #expect(
                    types == [
                        "SHA256SUMS": "text/plain; charset=utf-8", "START.md": "text/plain; charset=utf-8",
                        "build-report.json": "application/json", "build-report.md": "text/markdown; charset=utf-8",
                        "lab-9.1.vmdk": "application/octet-stream", "manifest.json": "application/json",
                    ])
            }
        }

        @Test(
            "the bucket is that of the stack; its role may be told by name or by ARN",
            arguments: ["!Ref Role", "!GetAtt Role.Arn"])
        func bucket(role: String) async throws {
            try await ExportFixture.with(role: role) { lab in
                #expect(
                    lab.bucket
                        == ImageBucket(name: "images", exportRole: "VMExportRole", domain: "d1.cloudfront.net"))
            }
        }

        @Test("without the stack, the command that creates it is printed")
        func noBucket() async throws {
            try await ExportFixture.with { lab in
                let elsewhere = AWSWorkspace(
                    lab.client.region("eu-west-1"), try AssetID("9.1"), names: SandboxDefinition.Names())
                let error = await #expect(throws: Failure.self) {
                    try await ImageBucket.find(in: elsewhere.client, for: .export)
                }
                #expect(error?.message.contains("no stack DATA-SCIENCE-SANDBOX-VM-Bucket in eu-west-1") == true)
                #expect(error?.advice?.contains("dss setup-vm-bucket") == true)
            }
        }
    }
}
