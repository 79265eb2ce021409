import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Synchronization
import Testing

/// Stopped machine → AMI.
extension ImageAndExportTests {
    @Suite("Capturing")
    struct CaptureTests {
        @Test("image and snapshot carry all tags from their first moment, and a date from which it is deprecated")
        func whole() async throws {
            try await CaptureFixture.with(knobs: ["ami_polls": 2]) { lab in
                let log = EventLog()
                let image = try await lab.capture(in: Scope(events: log.sink))
                let found = try #require(try await lab.image())
                #expect(found.imageId == image.id)
                let tags = Set(lab.lab.workspace.tags + CaptureFixture.facts.tags)
                #expect(tags.isSubset(of: found.tags))
                #expect(found.description == "A sandbox")
                let snapshots = try await lab.snapshots()
                #expect(snapshots.map(\.snapshotId) == [image.snapshotID])
                #expect(tags.isSubset(of: snapshots[0].tags))
                #expect(try await lab.lab.count("CreateTags") == 0)
                let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
                let created = try Date(try #require(found.creationDate), strategy: style)
                let deprecated = try Date(try #require(found.deprecationTime), strategy: style)
                let years = created.addingTimeInterval(2 * 365 * 86_400)
                #expect(deprecated <= years && deprecated > years.addingTimeInterval(-120))
                #expect(log.events.contains(.activityFinished("AMI")))
                #expect(
                    log.events.contains {
                        if case .progress(.capture, let progress) = $0 { progress.unit == .percent } else { false }
                    })
            }
        }

        @Test("a failed image reports why and leaves nothing; another run makes a new one")
        func failing() async throws {
            try await CaptureFixture.with(knobs: ["ami_fail": "Server.InternalError: no space"]) { lab in
                let undo = Undo()
                let error = await #expect(throws: Failure.self) { try await lab.capture(in: Scope(undo)) }
                #expect(error?.message.contains("Server.InternalError: no space") == true)
                #expect(error?.message.contains(lab.lab.workspace.imageName) == true)
                #expect(await undo.unwind() == [])
                #expect(try await lab.image() == nil)
                #expect(try await lab.snapshots().isEmpty)
                try await lab.lab.set(["ami_fail": ""])
                let image = try await lab.capture()
                #expect(try await lab.image()?.imageId == image.id)
            }
        }

        @Test("a failed image of a killed run is replaced")
        func failedBefore() async throws {
            try await CaptureFixture.with(knobs: ["ami_fail": "no space"]) { lab in
                _ = try? await lab.capture()
                try await lab.lab.set(["ami_fail": ""])
                let image = try await lab.capture()
                #expect(try await lab.image()?.imageId == image.id)
                #expect(try await lab.snapshots().count == 1)
            }
        }

        @Test("an available AMI is a product: undo keeps it, and no run makes it again")
        func product() async throws {
            try await CaptureFixture.with { lab in
                let undo = Undo()
                let image = try await lab.capture(in: Scope(undo))
                #expect(await undo.unwind() == [])
                #expect(try await lab.capture() == image)
                #expect(try await lab.lab.count("CreateImage") == 1)
                let found = try #require(try await ImageCapture(lab.lab.workspace).existing())
                #expect(found.state == .available)
                #expect(found.facts == CaptureFixture.facts)
                #expect(found.image == image)
            }
        }

        @Test("an AMI of other inputs is named, not replaced")
        func otherInputs() async throws {
            try await CaptureFixture.with { lab in
                let image = try await lab.capture()
                var facts = CaptureFixture.facts
                facts.inputs = "others"
                let (other, undo) = (facts, Undo())
                let error = await #expect(throws: Failure.self) { try await lab.capture(facts: other, in: Scope(undo)) }
                #expect(error?.message.contains(image.id) == true)
                #expect(error?.advice?.contains("dss delete-aws-assets") == true)
                #expect(await undo.unwind() == [])
                #expect(try await lab.image()?.imageId == image.id)
            }
        }

        @Test("--new-password replaces an AMI of the same inputs, and none of others")
        func replaced() async throws {
            try await CaptureFixture.with { lab in
                let first = try await lab.capture()
                let second = try await lab.capture(replacesSame: true)
                #expect(second.id != first.id)
                #expect(try await lab.image()?.imageId == second.id)
                #expect(try await lab.snapshots().map(\.snapshotId) == [second.snapshotID])
                var facts = CaptureFixture.facts
                facts.inputs = "others"
                let other = facts
                await #expect(throws: Failure.self) { try await lab.capture(facts: other, replacesSame: true) }
                #expect(try await lab.image()?.imageId == second.id)
            }
        }

        @Test("without the permission to deprecate, the image is kept with a warning")
        func withoutDate() async throws {
            try await CaptureFixture.with { lab in
                try await lab.lab.order("denied", "EnableImageDeprecation")
                let log = EventLog()
                let image = try await lab.capture(in: Scope(events: log.sink))
                #expect(log.warnings.first?.contains(image.id) == true)
                // What could not be done then is done by the next run.
                try await lab.capture()
                #expect(try await lab.image()?.deprecationTime != nil)
            }
        }

        @Test("a lost response changes nothing", arguments: ["CreateImage", "EnableImageDeprecation"])
        func lostAnswer(_ action: String) async throws {
            try await CaptureFixture.with { lab in
                try await lab.lab.order("applied-then-reset", action)
                let image = try await lab.capture()
                #expect(try await lab.image()?.imageId == image.id)
                #expect(try await lab.snapshots().count == 1)
            }
        }

        @Test(
            "killed at any call, before or after it took effect: another run has one image", arguments: [false, true])
        func killed(after: Bool) async throws {
            try await CaptureFixture.with(knobs: ["ami_polls": 1]) { first in
                var (lab, call) = (first, 1)
                while true {
                    let line = InterceptedTransport.dying(lab.lab.transport, at: call, after: after)
                    _ = try? await lab.capture(through: line)
                    let image = try await lab.capture()
                    #expect(try await lab.image()?.imageId == image.id, "killed at call \(call)")
                    #expect(try await lab.image()?.deprecationTime != nil, "killed at call \(call)")
                    #expect(try await lab.snapshots().map(\.snapshotId) == [image.snapshotID], "killed at call \(call)")
                    if !line.isDead { break }
                    call += 1
                    lab = try await CaptureFixture(try await lab.lab.again(knobs: ["ami_polls": 1]))
                }
                #expect(call > 6)
            }
        }

        @Test("cancelled at any call, the undo leaves no image, or one that is whole")
        func cancelled() async throws {
            try await CaptureFixture.with(knobs: ["ami_polls": 1]) { first in
                var (lab, call) = (first, 1)
                while true {
                    let (undo, log, current) = (Undo(), EventLog(), lab)
                    let isOver = try await cancelling(lab.lab.transport, at: call) {
                        try await current.capture(through: $0, in: Scope(undo, events: log.sink))
                    }
                    #expect(await undo.unwind() == [], "cancelled at call \(call)")
                    let image = try await lab.image()
                    #expect(image == nil || image?.state == "available", "cancelled at call \(call)")
                    #expect(try await lab.snapshots().count == (image == nil ? 0 : 1), "cancelled at call \(call)")
                    if isOver { break }
                    call += 1
                    lab = try await CaptureFixture(try await lab.lab.again(knobs: ["ami_polls": 1]))
                }
                #expect(call > 6)
            }
        }
    }
}

/// An account with a stopped machine, and no image of its asset id.
struct CaptureFixture: Sendable {
    let lab: ExportFixture
    let instance: String

    static let facts = ImageFacts(
        inputs: "inputs", missing: [.init(component: "docker", reason: "no network")], user: "ubuntu",
        jupyterPort: 49494)

    static func with(knobs: [String: Any] = [:], _ body: (CaptureFixture) async throws -> Void) async throws {
        try await ExportFixture.with(knobs: knobs) { try await body(try await CaptureFixture($0)) }
    }

    init(_ lab: ExportFixture) async throws {
        self.lab = lab
        // What was there to be exported stands in the way here.
        _ = try await lab.client.call(EC2.DeregisterImage(imageId: lab.image.id))
        let image = try await lab.client.makeCapturedImage("base")
        try await lab.client.deploy(
            "machine",
            """
            Resources:
              Machine: {Type: AWS::EC2::Instance, Properties: {ImageId: \(image.id), InstanceType: t3.medium}}
            """)
        let search = EC2.DescribeInstances(filters: [.init(name: "image-id", values: [image.id])])
        instance = try #require(try await lab.client.call(search).reservations.first?.instances.first).instanceId
        _ = try await lab.client.call(EC2.StopInstances(instanceIds: [instance]))
    }

    @discardableResult
    func capture(
        facts: ImageFacts = facts, replacesSame: Bool = false, through other: (any Transport)? = nil,
        in scope: Scope = Scope()
    ) async throws -> CapturedImage {
        let workspace = other.map { lab.workspace(through: $0) } ?? lab.workspace
        return try await ImageCapture(workspace).capture(
            instanceID: instance, facts: facts, description: "A sandbox", replacesSame: replacesSame, in: scope)
    }

    func image() async throws -> EC2.Image? {
        try await lab.images.first { $0.name == lab.workspace.imageName }
    }

    /// Those that were made by capturing.
    func snapshots() async throws -> [EC2.Snapshot] {
        try await lab.snapshots.filter { $0.description?.contains("CreateImage(\(instance))") == true }
    }
}
