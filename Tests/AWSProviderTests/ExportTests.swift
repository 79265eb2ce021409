import AWSCore
import AWSProvider
import AWSServices
import Foundation
import Sandbox
import Synchronization
import TestSupport
import Testing
import Workbench

/// AMI → files in the bucket, by AWS itself.
extension ImageAndExportTests {
    @Suite("vm-export")
    struct ExportTests {
        static let ready = ["SHA256SUMS", "START.md", "lab-9.1.vhd", "lab-9.1.vmdk", "manifest.json"]

        @Test("each format has its final name, one task, checksums and a manifest; nothing else is left")
        func whole() async throws {
            try await ExportFixture.with { lab in
                let log = EventLog()
                let artifacts = try await lab.export(in: Scope(events: log.sink))
                #expect(artifacts.map(\.format) == [.vhd, .vmdk])
                #expect(
                    artifacts.map(\.location) == [
                        "https://d1.cloudfront.net/data_science_sandbox/9.1/lab-9.1.vhd",
                        "https://d1.cloudfront.net/data_science_sandbox/9.1/lab-9.1.vmdk",
                    ])
                #expect(artifacts.allSatisfy { $0.bytes == 4096 && $0.sha256?.count == 64 })
                #expect(try await lab.keys == Self.ready)
                let tasks = try await lab.tasks
                #expect(tasks.map(\.status) == ["completed", "completed"])
                for task in tasks {
                    #expect(Set(lab.workspace.tags).isSubset(of: task.tags))
                }
                #expect(log.notices.first?.contains("vm-export, because this runs outside of AWS") == true)
                for name in ["export vhd", "rename vhd", "export vmdk", "rename vmdk"] {
                    #expect(log.events.contains(.activityStarted(name)))
                    #expect(log.events.contains(.activityFinished(name)))
                }
            }
        }

        @Test("a format is renamed while the next one is exported")
        func overlap() async throws {
            try await ExportFixture.with { lab in
                let isExporting = Latch()
                // The copy of the first format waits here for the export of the second: one after the other, this
                // would never end.
                let line = InterceptedTransport(lab.transport) { _, request in
                    guard
                        request.headers.contains(where: { $0.name == "x-amz-copy-source" && $0.value.hasSuffix(".vhd") }
                        )
                    else { return }
                    try await isExporting.wait()
                }
                let scope = Scope(events: { if $0 == .activityStarted("export vmdk") { isExporting.open() } })
                try await lab.export(through: line, in: scope)
                #expect(try await lab.keys == Self.ready)
            }
        }

        @Test("no byte of an image is downloaded, whether copied at once or in parts", arguments: [5 << 30, 1 << 20])
        func noBytes(limit: Int) async throws {
            try await ExportFixture.with(knobs: ["export_size": 12 << 20]) { lab in
                let line = InterceptedTransport(lab.transport)
                let artifacts = try await lab.export(
                    through: line, plan: RenamePlan(singleCopyLimit: limit, partSize: 5 << 20))
                #expect(artifacts.map(\.bytes) == [12 << 20, 12 << 20])
                #expect(line.bytes < 64 << 10, "\(line.bytes) of \(24 << 20) bytes")
                #expect(try await lab.count("UploadPartCopy") == (limit < 12 << 20 ? 6 : 0))
                let isInParts = limit < 12 << 20
                for name in ["lab-9.1.vhd", "lab-9.1.vmdk", "manifest.json"] {
                    let object = try await lab.store.object(lab.workspace.keyPrefix + name)
                    #expect(object?.cacheControl == "no-cache", "\(name)")
                }
                #expect(artifacts.allSatisfy { ($0.sha256 == nil) == isInParts && ($0.crc64 == nil) != isInParts })
                #expect(try await lab.keys == Self.ready)
            }
        }

        @Test("missing formats are exported; existing ones are not exported again")
        func missingFormat() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vhd])
                #expect(try await lab.keys.contains("manifest.json"))
                let artifacts = try await lab.export([.vhd, .vmdk, .raw])
                #expect(artifacts.map(\.format) == [.vhd, .vmdk, .raw])
                #expect(try await lab.count("ExportImage") == 3)
                #expect(try await lab.export([.raw]).map(\.format) == [.vhd, .vmdk, .raw])
                #expect(try await lab.count("ExportImage") == 3)
                #expect(try await lab.keys == (Self.ready + ["lab-9.1.raw"]).sorted())
            }
        }

        @Test("other formats are removed where only those of the order are wanted, after the new one is published")
        func onlyFormats() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vhd, .vmdk])
                try await lab.set(["export_fail": "no"])
                await #expect(throws: Failure.self) { try await lab.export([.raw], only: true) }
                #expect(try await lab.keys == Self.ready)
                #expect(try await lab.exporter.finished(lab.order(), inputs: "inputs") != nil)
                try await lab.set(["export_fail": ""])
                #expect(try await lab.export([.raw], only: true).map(\.format) == [.raw])
                #expect(try await lab.keys == ["SHA256SUMS", "START.md", "lab-9.1.raw", "manifest.json"])
            }
        }

        @Test("an export of another AMI that fails leaves what it has not replaced, published and intact")
        func otherImageFails() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vhd, .vmdk, .raw])
                let other = try await lab.client.makeCapturedImage("other")
                let second = ExportFixture(
                    emulator: lab.emulator, transport: lab.transport, image: other, bucket: lab.bucket)
                // The first format passes, then exports begin to fail.
                let line = InterceptedTransport(lab.transport) { _, request in
                    let body = String(decoding: request.body, as: UTF8.self)
                    guard body.contains("Action=ExportImage&"), body.contains("VMDK") else { return }
                    try await lab.set(["export_fail": "ClientError: Unsupported kernel"])
                }
                let log = EventLog()
                await #expect(throws: Failure.self) {
                    try await second.export(
                        [.vhd, .vmdk], inputs: "others", through: line, in: Scope(events: log.sink))
                }
                #expect(
                    log.notices.contains { $0.contains("(vhd, vmdk, raw)") && $0.hasSuffix("removed: raw") },
                    "\(log.notices)")
                let folder = lab.exporter.folder
                let left = try #require(await folder.manifest())
                #expect(left.files.map(\.format) == [.vmdk, .raw] && left.machineImage?.id == lab.image.id)
                #expect(try await folder.intactFiles(of: left) == left.files)
                try await lab.set(["export_fail": ""])
                try await second.export([.vhd, .vmdk], inputs: "others")
                #expect(try await lab.keys == Self.ready)
            }
        }

        @Test("another AMI of the same inputs, as --new-password makes it, replaces the images in all their formats")
        func newPassword() async throws {
            try await ExportFixture.with { lab in
                try await lab.export([.vhd, .vmdk])
                let other = try await lab.client.makeCapturedImage("other")
                let second = ExportFixture(
                    emulator: lab.emulator, transport: lab.transport, image: other, bucket: lab.bucket)
                #expect(try await second.export([.vmdk]).map(\.format) == [.vhd, .vmdk])
                #expect(try await lab.count("ExportImage") == 4)
                #expect(try await lab.keys == Self.ready)
                let manifest = try await lab.exporter.folder.manifest()
                #expect(manifest?.machineImage?.id == other.id)
            }
        }

        @Test("exports of another AMI are made again")
        func otherImage() async throws {
            try await ExportFixture.with { lab in
                try await lab.export()
                let other = try await lab.client.makeCapturedImage("other")
                let second = ExportFixture(
                    emulator: lab.emulator, transport: lab.transport, image: other, bucket: lab.bucket)
                try await second.export()
                #expect(try await lab.count("ExportImage") == 4)
                let manifest = try await lab.exporter.folder.manifest()
                #expect(manifest?.machineImage?.id == other.id)
            }
        }

        @Test("a foreign export task is waited for, since AWS accepts no second one")
        func somebodyElse() async throws {
            try await ExportFixture.with(knobs: ["export_polls": 3]) { lab in
                let theirs = EC2.ExportImage(
                    imageId: lab.image.id, diskImageFormat: "RAW", s3ExportLocation: .init(s3Bucket: "images"),
                    roleName: "VMExportRole")
                _ = try await lab.client.call(theirs)
                try await lab.export([.vmdk])
                #expect(try await lab.tasks.map(\.status) == ["completed", "completed"])
                #expect(try await lab.keys.contains("lab-9.1.vmdk"))
            }
        }

        @Test("a failed export reports why; finished formats stay, and another run makes the rest")
        func failing() async throws {
            try await ExportFixture.with { lab in
                let (log, undo) = (EventLog(), Undo())
                // The first format passes, then exports begin to fail.
                let line = InterceptedTransport(lab.transport) { _, request in
                    let body = String(decoding: request.body, as: UTF8.self)
                    guard body.contains("Action=ExportImage&"), body.contains("VMDK") else { return }
                    try await lab.set(["export_fail": "ClientError: Unsupported kernel", "export_polls": 4])
                }
                await #expect {
                    try await lab.export(through: line, in: Scope(undo, events: log.sink))
                } throws: { error in
                    let message = (error as? Failure)?.message ?? ""
                    return message.contains(lab.image.id) && message.contains("vmdk")
                        && message.contains("ClientError: Unsupported kernel")
                }
                #expect(
                    log.notices.last?.contains("AMI \(lab.image.id) and the formats that are ready were kept") == true)
                #expect(await undo.unwind() == [])
                #expect(try await lab.keys == ["lab-9.1.vhd"])
                #expect(try await lab.tasks.allSatisfy { ["completed", "deleted"].contains($0.status) })

                try await lab.set(["export_fail": "", "export_polls": 1])
                try await lab.export()
                #expect(try await lab.keys == Self.ready)
                #expect(try await lab.count("ExportImage") == 3)
            }
        }

        @Test(
            "a bucket that disappears during the export is named",
            arguments: ["x-amz-copy-source", "x-amz-checksum-mode", "x-amz-checksum-sha256"])
        func bucketGone(at header: String) async throws {
            try await ExportFixture.with { lab in
                let undo = Undo()
                let isGone = Mutex(false)
                let line = InterceptedTransport(lab.transport) { _, request in
                    let isFirst = isGone.withLock { gone in
                        guard !gone, request.headers.contains(where: { $0.name == header }),
                            lab.hasExported(request)
                        else { return false }
                        gone = true
                        return true
                    }
                    if isFirst { try await lab.removeBucket() }
                }
                let error = await #expect(throws: Failure.self) {
                    try await lab.export([.vmdk], through: line, in: Scope(undo))
                }
                #expect(error?.message.contains("bucket images of stack DATA-SCIENCE-SANDBOX-VM-Bucket") == true)
                #expect(error?.advice?.contains("dss setup-vm-bucket") == true)
                #expect(await undo.unwind() == [])
            }
        }

        @Test(
            "a lost response changes nothing",
            arguments: [
                "ExportImage", "CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload",
                "DeleteObject", "DescribeExportImageTasks", "PutObject",
            ])
        func lostAnswer(_ action: String) async throws {
            try await ExportFixture.with(knobs: ["export_size": 6 << 20]) { lab in
                try await lab.order("applied-then-reset", action)
                let isCopy = action == "CopyObject"
                try await lab.export(plan: RenamePlan(singleCopyLimit: isCopy ? 5 << 30 : 1 << 20, partSize: 5 << 20))
                #expect(try await lab.keys == Self.ready)
                #expect(try await lab.tasks.count == 2)
                #expect(try await lab.uploads.isEmpty)
            }
        }
    }
}

extension ExportFixture {
    /// Whether a call comes after the export: one for an object of it, or one that puts something beside it.
    fileprivate func hasExported(_ request: HTTPRequest) -> Bool {
        request.path.contains("/export/") || request.method == .put
    }
}
