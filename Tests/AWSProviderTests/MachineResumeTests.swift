import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

@testable import AWSProvider

extension MachineTests {
    /// A run is killed by leaving its undo alone; its lock is given back as the kernel would.
    @Suite("reuse", .serialized)
    struct Resume {
        private func launched(_ lab: MachineFixture, _ order: MachineOrder? = nil) async throws -> AWSMachine {
            let undo = Undo()
            let machine = try await lab.machines().launch(order ?? lab.order, in: Scope(undo, events: lab.told.sink))
            _ = await undo.forgetKept()
            return machine
        }

        /// Each thing exists once, and all is gone in the end.
        private func expectOnce(_ lab: MachineFixture, _ undo: Undo) async throws {
            #expect(try await lab.stacks().map(\.stackStatus) == ["CREATE_COMPLETE"])
            #expect(try await lab.instances().count == 1)
            #expect(try await lab.keyPairs().count == 1)
            #expect(await undo.unwind() == [])
            #expect(try await lab.left() == [])
        }

        @Test("a machine that this host started is reused")
        func reuse() async throws {
            try await MachineFixture.with { lab in
                let first = try await launched(lab)
                let undo = Undo()
                let second = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                #expect(second.instanceID == first.instanceID && second.endpoint == first.endpoint)
                let (before, now) = (try #require(first.expires), try #require(second.expires))
                #expect(abs(now.timeIntervalSince(before)) < 1, "AWS has whole seconds")
                #expect(try await lab.count("CreateChangeSet") == 1)
                #expect(lab.told.notices == ["resuming with instance \(first.instanceID) from an earlier run"])
                try await expectOnce(lab, undo)
            }
        }

        enum Change: String, CaseIterable {
            case address, inputs, instanceType, forbidden, hostKeyGone, stateGone, ended, silent
        }

        @Test("an unsuitable machine is removed and replaced", arguments: Change.allCases)
        func anew(_ change: Change) async throws {
            try await MachineFixture.with { lab in
                var order = lab.order
                let first = try await launched(lab, order)
                var address = MachineFixture.address
                switch change {
                case .address: address = "198.51.100.8"
                case .inputs: order.inputs = "other"
                case .instanceType: order.instanceType = "t3.large"
                case .forbidden: order.reuse = .none
                case .hostKeyGone: try FileManager.default.removeItem(atPath: "\(lab.home)/state/known_hosts")
                case .stateGone: try FileManager.default.removeItem(atPath: "\(lab.home)/state")
                case .ended: _ = try await lab.client.call(EC2.TerminateInstances(instanceIds: [first.instanceID]))
                case .silent: try lab.stub.order(.failure(code: 1, message: "broken"), at: "cloud-init status")
                }
                let undo = Undo()
                let stub = lab.stub
                let scope = Scope(undo) { event in
                    lab.told.sink(event)
                    if case .notice(let text) = event, text.contains("cannot reuse instance") {
                        try? stub.withdrawTrouble()
                    }
                }
                let second = try await lab.machines(address: address).launch(order, in: scope)
                #expect(second.instanceID != first.instanceID)
                #expect(try await lab.count("CreateChangeSet") == 2)
                try await expectOnce(lab, undo)
            }
        }

        @Test("a machine that expires soon is replaced")
        func lifetime() async throws {
            try await MachineFixture.with { lab in
                let early = try lab.machines(try lab.workspace(lifetime: .seconds(3000)))
                let first = Undo()
                let old = try await early.launch(lab.order, in: Scope(first, events: lab.told.sink))
                _ = await first.forgetKept()
                let undo = Undo()
                let new = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                #expect(new.instanceID != old.instanceID)
                try await expectOnce(lab, undo)
            }
        }

        @Test("a sealed machine is captured from anywhere, without SSH", arguments: [false, true])
        func sealed(isStopped: Bool) async throws {
            try await MachineFixture.with { lab in
                var order = lab.order
                order.inputs = "abc"
                let first = try await launched(lab, order)
                let missing = [MissingComponent(component: "slc", reason: "no release yet")]
                try await lab.machines().markSealed(first, missing: missing)
                if isStopped { try await lab.machines().stop(first, events: lab.told.sink) }
                try lab.stub.order(.failure(code: 255, message: "sealed"), at: "true")
                let asked = lab.stub.commands.count
                let undo = Undo()
                let second = try await lab.machines(directory: "elsewhere")
                    .launch(order, in: Scope(undo, events: lab.told.sink))
                #expect(second.isSealed && second.instanceID == first.instanceID && second.missing == missing)
                #expect(lab.stub.commands.count == asked)
                #expect(lab.told.notices.isEmpty)
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == ["state"], "what is kept elsewhere stays there")
            }
        }

        @Test(
            "a sealed machine whose password nobody knows, or of other inputs, is made anew", arguments: [true, false])
        func sealedOfNoUse(isUnknown: Bool) async throws {
            try await MachineFixture.with { lab in
                var order = lab.order
                let first = try await launched(lab, order)
                try await lab.machines().markSealed(first, missing: [])
                if isUnknown { order.reuse = .unsealed } else { order.inputs = "other" }
                let undo = Undo()
                let second = try await lab.machines().launch(order, in: Scope(undo, events: lab.told.sink))
                #expect(!second.isSealed && second.instanceID != first.instanceID)
                try await expectOnce(lab, undo)
            }
        }

        enum Leftover: String, CaseIterable {
            case draft, creating, deleting, failedRemoval, keyPair
        }

        @Test("a stack in any leftover state is no obstacle", arguments: Leftover.allCases)
        func leftover(_ leftover: Leftover) async throws {
            try await MachineFixture.with { lab in
                try await leave(leftover, lab)
                let undo = Undo()
                _ = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                try await expectOnce(lab, undo)
            }
        }

        private func leave(_ leftover: Leftover, _ lab: MachineFixture) async throws {
            let workspace = try lab.workspace()
            let stack = try MachineStack(lab.order, networks: [], keyName: "none", tags: workspace.passingTags)
            let order = stack.order(named: workspace.stackName, userData: "#cloud-config")
            let draft = ChangeSetDraft(order, over: nil)
            switch leftover {
            case .draft: _ = try await lab.client.call(draft.creation)
            case .creating:
                _ = try await lab.client.call(draft.creation)
                try await lab.emulator.control(["knobs": ["stack_polls": 3]])
                _ = try await lab.client.call(
                    CloudFormation.ExecuteChangeSet(changeSetName: draft.name, stackName: order.name))
            case .deleting:
                _ = try await launched(lab)
                try await lab.emulator.control(["knobs": ["stack_delete_polls": 3]])
                _ = try await lab.client.call(CloudFormation.DeleteStack(stackName: order.name))
            case .failedRemoval:
                let undo = Undo()
                _ = try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                try await lab.emulator.control(["knobs": ["stack_delete_fail": ["SecurityGroup": "in use"]]])
                _ = await undo.unwind()
                try await lab.emulator.control(["knobs": ["stack_delete_fail": [String: String]()]])
            case .keyPair:
                try await SystemCommandRunner().run(.sshKeygen(path: "\(lab.home)/k", comment: "k"))
                try await importKey("\(lab.home)/k", named: workspace.stackName, tags: workspace.passingTags, lab)
                for file in ["k", "k.pub"] { try FileManager.default.removeItem(atPath: "\(lab.home)/\(file)") }
            }
        }

        @Test("a foreign stack or key pair of the same name is refused and left alone", arguments: [true, false])
        func foreign(isStack: Bool) async throws {
            try await MachineFixture.with { lab in
                let other = try lab.workspace("1-0")
                if isStack {
                    let undo = Undo()
                    _ = try await lab.machines(other, directory: "other")
                        .launch(lab.order, in: Scope(undo, events: lab.told.sink))
                    _ = await undo.forgetKept()
                } else {
                    try await SystemCommandRunner().run(.sshKeygen(path: "\(lab.home)/k", comment: "k"))
                    try await importKey("\(lab.home)/k", named: other.stackName, tags: [], lab)
                }
                let before = (try await lab.stacks().count, try await lab.instances().count)
                let undo = Undo()
                let failure = await #expect(throws: Failure.self) {
                    try await lab.machines().launch(lab.order, in: Scope(undo, events: lab.told.sink))
                }
                let owner = isStack ? "belongs to asset id 1-0" : "does not belong to asset id 1.0"
                #expect(failure?.message.contains(owner) == true, "\(failure?.message ?? "")")
                #expect(await undo.unwind() == [])
                #expect((try await lab.stacks().count, try await lab.instances().count) == before)
                #expect(try await lab.keyPairs().count == 1)
            }
        }
    }
}

/// Makes a key known to the emulator.
func importKey(_ file: String, named name: String, tags: [EC2.Tag], _ lab: MachineFixture) async throws {
    _ = try await lab.client.call(
        EC2.ImportKeyPair(
            keyName: name, publicKeyMaterial: Data(try readText("\(file).pub").utf8),
            tagSpecifications: tags.isEmpty ? [] : [.init(resourceType: "key-pair", tags: tags)]))
}
