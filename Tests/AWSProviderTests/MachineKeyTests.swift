import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

@testable import AWSProvider

extension MachineTests {
    /// `--ec2-key-name` and `--ec2-key-file`.
    @Suite("with the user's own key", .serialized)
    struct OwnKey {
        private func withKey(_ body: (MachineFixture, MachineOrder) async throws -> Void) async throws {
            try await MachineFixture.with { lab in
                let file = "\(lab.stub.folder)/mine"
                try await SystemCommandRunner().run(.sshKeygen(path: file, comment: "mine"))
                try await importKey(file, named: "mine", tags: [], lab)
                var order = lab.order
                order.key = .existing(name: "mine", file: file)
                try await body(lab, order)
            }
        }

        private func refusal(_ lab: MachineFixture, _ order: MachineOrder) async throws -> Failure {
            let undo = Undo()
            let failure = await #expect(throws: Failure.self) {
                try await lab.machines().launch(order, in: Scope(undo, events: lab.told.sink))
            }
            #expect(try await lab.count("CreateChangeSet") == 0)
            #expect(await undo.unwind() == [])
            return try #require(failure)
        }

        @Test("the user's key pair is used and never removed")
        func used() async throws {
            try await withKey { lab, order in
                let undo = Undo()
                let machine = try await lab.machines().launch(order, in: Scope(undo, events: lab.told.sink))
                #expect(try await lab.instances().first?.keyName == "mine")
                #expect(try readText(machine.endpoint.configFile).contains("IdentityFile \"\(lab.stub.folder)/mine\""))
                try await lab.machines().beginRemoval(in: Scope(undo, events: lab.told.sink))
                #expect(await undo.unwind() == [])
                #expect(try await lab.left() == ["mine"])
                #expect(fileExists("\(lab.stub.folder)/mine"))
            }
        }

        @Test("a key that others can read is refused, as ssh does")
        func mode() async throws {
            try await withKey { lab, order in
                chmod("\(lab.stub.folder)/mine", 0o640)
                let failure = try await refusal(lab, order)
                #expect(failure.code == .noPermission)
                #expect(failure.advice == "chmod 600 \(lab.stub.folder)/mine")
            }
        }

        @Test("a key pair that does not exist on AWS")
        func unknown() async throws {
            try await withKey { lab, order in
                var order = order
                order.key = .existing(name: "yours", file: "\(lab.stub.folder)/mine")
                let failure = try await refusal(lab, order)
                #expect(failure.message == "key pair 'yours' does not exist in eu-central-1")
            }
        }

        @Test("a key of another pair")
        func mismatch() async throws {
            try await withKey { lab, order in
                var order = order
                try await SystemCommandRunner().run(.sshKeygen(path: "\(lab.stub.folder)/other", comment: "other"))
                order.key = .existing(name: "mine", file: "\(lab.stub.folder)/other")
                let failure = try await refusal(lab, order)
                #expect(failure.message.hasSuffix("is not the private key of key pair 'mine' in eu-central-1"))
            }
        }

        @Test("a key with a passphrase")
        func passphrase() async throws {
            try await withKey { lab, order in
                try await SystemCommandRunner().run(
                    Command(
                        "ssh-keygen", ["-q", "-p", "-P", "", "-N", "for this test", "-f", "\(lab.stub.folder)/mine"]))
                let failure = try await refusal(lab, order)
                #expect(failure.message.contains("as a private key without a passphrase"), "\(failure)")
            }
        }

        @Test("a machine of an earlier run is reused with the same key and replaced for another")
        func resume() async throws {
            try await withKey { lab, order in
                let first = Undo()
                let machine = try await lab.machines().launch(order, in: Scope(first, events: lab.told.sink))
                _ = await first.forgetKept()
                let second = Undo()
                let again = try await lab.machines().launch(order, in: Scope(second, events: lab.told.sink))
                #expect(again.instanceID == machine.instanceID)
                _ = await second.forgetKept()
                let third = Undo()
                let other = try await lab.machines().launch(lab.order, in: Scope(third, events: lab.told.sink))
                #expect(other.instanceID != machine.instanceID)
                #expect(await third.unwind() == [])
                #expect(try await lab.left() == ["mine"])
            }
        }
    }
}
