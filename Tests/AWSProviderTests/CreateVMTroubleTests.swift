import AWSTestSupport
import Foundation
import Testing
import Workbench

/// What goes wrong in a build is said with AWS's reason and the resource's name, and nothing of it stays.
@Suite("create-vm on AWS with failures", .serialized, .timeLimit(.minutes(10)))
struct CreateVMTroubleTests {
    /// A moment of a build that can be waited for: what takes for ever then, and how it is seen from outside.
    enum Moment: String, CaseIterable {
        case stack, boot, install, seal, stopping, image, export, cleanUp

        /// What does not come about.
        var knobs: [String: Any] {
            switch self {
            case .stack: ["stack_polls": 100_000]
            case .boot: ["instance_polls": 100_000]
            case .install, .seal: [:]
            case .stopping: ["instance_stop_polls": 100_000]
            case .image: ["ami_polls": 100_000]
            case .export: ["export_polls": 100_000]
            case .cleanUp: ["stack_delete_polls": 100_000]
            }
        }

        /// The AMI is ready by then, and stays.
        var leavesImage: Bool { self == .export || self == .cleanUp }

        func prepare(_ builder: CreateVMBuilder) throws {
            if self == .install { try builder.sandbox.order(.hanging) }
            if self == .seal { try builder.machine.order(.hanging, at: "seal") }
        }

        func hasCome(_ builder: CreateVMBuilder, since before: [String: [String]]) async throws -> Bool {
            let made = AccountContents(of: "trouble", in: try await builder.census(), since: before).names
            switch self {
            case .stack, .boot: return made["instances"] != nil
            case .install: return !builder.sandbox.runs.isEmpty
            case .seal: return builder.machine.commands.last == "seal"
            case .stopping: return try stopsMachine(builder)
            case .image: return made["images"] != nil
            case .export: return made["export tasks"] != nil
            case .cleanUp: return made["objects"]?.contains { $0.hasSuffix("manifest.json") } == true
            }
        }

        private func stopsMachine(_ builder: CreateVMBuilder) throws -> Bool {
            guard builder.machine.commands.last == "seal" else { return false }
            let notes = try FileManager.default.contentsOfDirectory(atPath: builder.machine.room)
            return try notes.contains { name in
                guard name.hasPrefix("i-"), name.hasSuffix(".json") else { return false }
                return try readText("\(builder.machine.room)/\(name)").contains("stopping")
            }
        }
    }

    @Test("Ctrl-C and SIGTERM in every stage leave nothing behind")
    func interrupted() async throws {
        try await CreateVMBuilder.with { builder in
            for moment in Moment.allCases { try await interrupt(builder, at: moment) }
        }
    }

    private func interrupt(_ builder: CreateVMBuilder, at moment: Moment) async throws {
        for signal in [SIGINT, SIGTERM] {
            let before = try await builder.census()
            try moment.prepare(builder)
            try await builder.set(moment.knobs)
            async let run = builder.createVM("trouble", "--export-method", "vm-export")
            try await wait { try await moment.hasCome(builder, since: before) }
            let pid = try #require(Int32(try readText(builder.pidFile).trimmedLine))
            kill(pid, signal)
            // What is removed then must come about.
            try await builder.set(CreateVMBuilder.knobs)
            let said = try await run
            #expect(said.status == .exited(130), "\(moment): \(said.standardError)")
            #expect(said.standardError.contains("interrupted; everything was cleaned up"), "\(said.standardError)")
            let left = AccountContents(of: "trouble", in: try await builder.census(), since: before).names
            let kinds = Set(left.keys).subtracting(["objects"])
            #expect(kinds == (moment.leavesImage ? ["images", "snapshots"] : []), "\(left)")
            _ = try await builder.delete("trouble")
            try builder.calmDown()
            #expect(try await builder.census() == before, "\(moment)")
        }
    }

    private func wait(until condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, "it never came to that")
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    /// What AWS does not bring about: the knobs, the words that must be said, and whether the AMI stays.
    struct Failing: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var knob: String
        var value: any Sendable
        var said: [String]
        var leavesImage = false
    }

    static let failures = [
        Failing(
            testDescription: "a stack that rolls back", knob: "stack_fail",
            value: ["Machine": "Your current vCPU limit of 0 does not allow it"],
            said: [
                "stack EC2-DATA-SCIENCE-SANDBOX-trouble in eu-central-1 could not be created",
                "Machine (AWS::EC2::Instance) CREATE_FAILED: Your current vCPU limit of 0 does not allow it",
            ]),
        Failing(
            testDescription: "an AMI that fails", knob: "ami_fail", value: "Snapshot creation failed",
            said: ["AMI ami-", "(Exasol-Data-Science-Sandbox-trouble) in eu-central-1", "Snapshot creation failed"]),
        Failing(
            testDescription: "an export that fails", knob: "export_fail", value: "ClientError: Unsupported kernel",
            said: [
                "export of AMI ami-", "in eu-central-1 as vmdk failed: ClientError: Unsupported kernel",
                "task export-ami-",
            ],
            leavesImage: true),
    ]

    @Test("reports AWS's reason and removes what was created", arguments: failures)
    func failing(_ failing: Failing) async throws {
        try await CreateVMBuilder.with { builder in
            let before = try await builder.census()
            try await builder.set([failing.knob: failing.value])
            let said = try await builder.createVM("trouble", "--export-method", "vm-export")
            #expect(said.status == .exited(1), "\(said.standardError)")
            for words in failing.said { #expect(said.standardError.contains(words), "\(said.standardError)") }
            let left = Set(AccountContents(of: "trouble", in: try await builder.census(), since: before).names.keys)
            #expect(left == (failing.leavesImage ? ["images", "snapshots"] : []))
        }
    }

    @Test("--keep-on-failure keeps exactly what it reports", arguments: ["ami_fail", "export_fail"])
    func kept(at knob: String) async throws {
        try await CreateVMBuilder.with { builder in
            try await builder.set([knob: "there is trouble"])
            let said = try await builder.createVM("trouble", "--export-method", "vm-export", "--keep-on-failure")
            #expect(said.status == .exited(1), "\(said.standardError)")
            // Nobody can log in to a sealed machine.
            #expect(!said.standardError.contains("connect to instance"), "\(said.standardError)")
            let isKept = knob == "ami_fail"
            #expect(said.standardError.contains("it costs about") == isKept, "\(said.standardError)")
            #expect(said.standardError.contains("the machine is not kept, since AMI ami-") != isKept)
            #expect((try await builder.census()["instances"] != nil) == isKept)
        }
    }

    @Test("a bucket that disappears before the export is named; the AMI stays")
    func bucketGone() async throws {
        try await CreateVMBuilder.with(knobs: ["ami_polls": 100_000]) { builder in
            async let run = builder.createVM("trouble", "--export-method", "vm-export")
            try await wait { try await builder.census()["images"] != nil }
            let bucket = try #require(try await builder.census()["buckets"]?.first?.split(separator: " ").last)
            try await builder.emulator.control(["lose_bucket": String(bucket)])
            try await builder.set(["ami_polls": 0])
            let said = try await run
            #expect(!said.status.isSuccess)
            #expect(said.standardError.contains(bucket), "\(said.standardError)")
            #expect(try await builder.census()["images"]?.count == 1)
            #expect(try await builder.census()["instances"] == nil)
        }
    }

    @Test("a connection lost during Ansible is resumed, within limits")
    func lostConnection() async throws {
        try await CreateVMBuilder.with { builder in
            try builder.sandbox.order(.unreachable(times: 1))
            let mended = try await builder.createVM("once", "--export-method", "vm-export")
            #expect(mended.status == .exited(0), "\(mended.standardError)")
            #expect(builder.sandbox.runs.count == 2)

            let before = try await builder.census()
            try builder.sandbox.order(.unreachable(times: 1000))
            let said = try await builder.createVM("ever", "--export-method", "vm-export")
            #expect(said.status == .exited(75), "\(said.standardError)")
            #expect(said.standardError.contains("Failed to connect to the host via ssh"), "\(said.standardError)")
            #expect(try await builder.census() == before)
        }
    }

    @Test("a playbook or a seal that fails ends the build and the machine")
    func onTheMachine() async throws {
        try await CreateVMBuilder.with { builder in
            let before = try await builder.census()
            try builder.sandbox.order(.failure)
            let playbook = try await builder.createVM("playbook", "--export-method", "vm-export")
            #expect(playbook.status == .exited(1))
            #expect(playbook.standardError.contains("the package is not there"), "\(playbook.standardError)")
            #expect(try await builder.census() == before)

            try builder.sandbox.order(nil)
            try builder.machine.order(.failure(code: 1, message: "there is no chpasswd"), at: "seal")
            let seal = try await builder.createVM("seal", "--export-method", "vm-export")
            #expect(seal.status == .exited(1))
            #expect(seal.standardError.contains("there is no chpasswd"), "\(seal.standardError)")
            #expect(try await builder.census() == before)
        }
    }
}
