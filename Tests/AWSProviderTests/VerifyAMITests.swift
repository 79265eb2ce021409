import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import GuestTestSupport
import Sandbox
import Testing
import Workbench

@testable import AWSProvider

extension ImageSuites {
    /// The real program against the emulator, with an sshd behind each instance that is logged in to with a password.
    @Suite(
        "dss verify-ami", .serialized, .timeLimit(.minutes(5)),
        .enabled(if: FakeGuest.missing == nil, "a pretend guest \(FakeGuest.missing ?? "")"))
    struct VerifyAMITests {
        @Test("a good image passes; nothing of its copies is left, and nothing was called that no policy names")
        func good() async throws {
            try await Tester.with { tester in
                let said = try await tester.verify("--asset-id", "1.0", "--json")
                #expect(said.status == .exited(0), "\(said.failures)\(said.errors)")
                #expect(try await tester.account.emulator.uncovered(by: "verify-ami") == [])
                #expect(said.json["image"] as? String == tester.image)
                #expect(said.json["passed"] as? Bool == true)
                #expect(said.outcomes.values.filter { $0 == "passed" }.count >= 34, "\(said.outcomes)")
                #expect(said.outcomes.filter { $0.value == "skipped" }.map(\.key).sorted() == Self.withoutClone)

                let notes = try tester.room.notes()
                #expect(
                    notes.map { $0.tags["\(SandboxDefinition.Names().tagKey)"] ?? "" }.sorted() == [
                        "1.0-verify-first", "1.0-verify-second",
                    ])
                for note in notes {
                    #expect(note.tags["expires-at"] != nil && note.userData.contains("systemctl, poweroff"))
                    #expect(!note.userData.contains("ssh") && !note.userData.contains("user"))
                }
                #expect(try await tester.account.count("ImportKeyPair") == 0)
                #expect(try await tester.left() == [])
                #expect(try await tester.account.images().map(\.imageId) == [tester.image])
            }
        }

        /// What there is nothing to look at for: the pretended build reached no GitHub.
        private static let withoutClone = [
            "script-languages-release is cloned with its submodules",
            "the console shows the same address above the login prompt",
        ]

        @Test("defects of an image are named; kept copies are reported with their asset ids")
        func bad() async throws {
            let twist = "echo ls >/home/ubuntu/.bash_history\n" + InstanceGuests.tellingKeys
            try await Tester.with(twist: twist) { tester in
                let said = try await tester.verify(tester.image, "--keep-on-failure")
                #expect(said.status == .exited(1), "\(said.errors)")
                #expect(said.output.contains("FAILED no shell history is left"), "\(said.output)")
                #expect(said.output.contains("1 of 48 checks failed"), "\(said.output)")
                #expect(said.errors.contains("the first copy is instance i-"), "\(said.errors)")
                #expect(said.errors.contains("delete-aws-assets --region eu-central-1 --asset-id '1.0-verify-first'"))
                #expect(try await tester.left().count == 4)
                let removed = try await tester.account.dss(
                    "delete-aws-assets", "--asset-id", "1.0-verify-*", "--yes")
                #expect(removed.status == .exited(0), "\(removed.errors)")
                #expect(try await tester.left() == [])
                #expect(try await tester.account.images().map(\.imageId) == [tester.image])
            }
        }

        @Test("a machine whose host key differs from its console gets no password")
        func otherKey() async throws {
            let twist =
                "ssh-keygen -q -t ed25519 -N '' -f /run/other\n"
                + InstanceGuests.tellingKeys.replacing("/etc/ssh/ssh_host_ed25519_key.pub", with: "/run/other.pub")
            try await Tester.with(twist: twist) { tester in
                let said = try await tester.verify("--asset-id", "1.0", "--json")
                #expect(said.status == .exited(1), "\(said.errors)")
                #expect(said.outcomes["sshd answers"] == "failed")
                #expect(said.failures.joined().contains("a different host key than the one the machine reported"))
                #expect(said.outcomes.values.filter { $0 == "skipped" }.count == said.outcomes.count - 1)
                #expect(try await tester.left() == [])
            }
        }

        @Test("Ctrl-C leaves nothing behind", arguments: ["ExecuteChangeSet", "GetConsoleOutput", "a login"])
        func interrupted(moment: String) async throws {
            try await Tester.with { tester in
                let (code, errors) = try await tester.verify(interruptedAt: moment)
                #expect(code == 130, "\(errors)")
                #expect(try await tester.account.count("ExecuteChangeSet") > 0)
                #expect(try await tester.left() == [], "\(errors)")
            }
        }

        @Test("a stack that fails is explained, by AWS's reason")
        func stackFails() async throws {
            try await Tester.with(knobs: ["stack_fail": ["Machine": "You have requested more vCPU capacity"]]) {
                tester in
                let said = try await tester.verify("--asset-id", "1.0")
                #expect(said.status == .exited(1))
                #expect(said.errors.contains("You have requested more vCPU capacity"), "\(said.errors)")
                #expect(try await tester.left() == [])
            }
        }

        @Test(
            "a failure of AWS is no failed check; its reason is reported, and nothing is left",
            arguments: [("denied", 77), ("html", 69)])
        func awsFails(kind: String, code: Int32) async throws {
            try await Tester.with { tester in
                try await tester.account.emulator.control([
                    "faults": [["kind": kind, "action": "GetConsoleOutput", "times": NSNull()]]
                ])
                let said = try await tester.verify("--asset-id", "1.0")
                #expect(said.status == .exited(code), "\(said.errors)")
                #expect(said.errors.contains("GetConsoleOutput failed with"), "\(said.errors)")
                #expect(!said.output.contains("FAILED"), "\(said.output)")
                #expect(try await tester.left() == [])
            }
        }

        @Test("invalid options are refused before anything is created")
        func refused() async throws {
            try await Tester.with { tester in
                let open = try await tester.account.dss("verify-ami", "--asset-id", "1.0")
                #expect(
                    open.status == .exited(64) && open.errors.contains("the default password of the image is required"))
                #expect(try await tester.verify("--asset-id", "2.0").status == .exited(65))
                let unknown = try await tester.verify("ami-00000000000000000")
                #expect(unknown.status == .exited(1) && unknown.errors.contains("does not exist"), "\(unknown.errors)")
                #expect(try await tester.account.count("CreateChangeSet") == 0)
            }
        }
    }
}

/// Somebody with an AMI, and a guest behind each instance of it.
private struct Tester: Sendable {
    let account: ImageAccount
    let room: InstanceGuests
    let image: String

    static func with(
        twist: String = InstanceGuests.tellingKeys, knobs: [String: Any] = [:],
        _ body: @escaping @Sendable (Tester) async throws -> Void
    ) async throws {
        try await ImageAccount.with(knobs: ["stack_polls": 1, "stack_delete_polls": 1].merging(knobs) { $1 }) {
            account in
            try await InstanceGuests.with(account.emulator, twist: twist) { room in
                let image = try await account.upload()
                let facts = ImageFacts(
                    inputs: "x", missing: [.init(component: "script_languages", reason: "no route to it")],
                    user: "ubuntu", jupyterPort: room.jupyterPort)
                _ = try await account.client().call(EC2.CreateTags(resources: [image.id], tags: facts.tags))
                try writeAtomically("dss-default\n", to: "\(account.home)/password", mode: 0o600)
                try await account.clear("calls")
                try await body(Tester(account: account, room: room, image: image.id))
            }
        }
    }

    private var options: [String] {
        ["--default-password-file", "password", "--ssh-cidr", "192.0.2.1/32", "--ssh-config", room.sshConfig]
    }

    func verify(_ arguments: String...) async throws -> ProgramOutput {
        try await account.run(["verify-ami"] + arguments + options)
    }

    func verify(interruptedAt moment: String) async throws -> (code: Int32, errors: String) {
        try await account.run(["verify-ami", "--asset-id", "1.0"] + options, signal: SIGINT) {
            if moment != "a login" { return try await account.count(moment) > 0 }
            return try room.notes().contains { note in
                let console = (try? readText("\(room.folder)/\(note.id).console")) ?? ""
                return console.contains("Accepted ")
            }
        }
    }

    /// What costs money of the copies, or stands in the way.
    func left() async throws -> [String] {
        let client = account.client()
        let instances = try await client.call(EC2.DescribeInstances()).reservations.flatMap(\.instances)
        return try await client.call(CloudFormation.DescribeStacks()).stacks.map(\.stackName)
            + instances.filter(\.isThere).map(\.instanceId)
            + client.call(EC2.DescribeKeyPairs()).keyPairs.map(\.keyName)
    }
}

extension ProgramOutput {
    fileprivate var checks: [[String: Any]] { json["checks"] as? [[String: Any]] ?? [] }

    fileprivate var outcomes: [String: String] {
        checks.reduce(into: [:]) { $0[$1["name"] as? String ?? ""] = $1["outcome"] as? String }
    }

    fileprivate var failures: [String] {
        checks.filter { $0["outcome"] as? String == "failed" }.map { "\($0["name"] ?? ""): \($0["message"] ?? "")" }
    }
}

@Suite("Host keys on a console")
struct ConsoleHostKeysTests {
    private static let ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSy/JnHHlUiTZuG8rMqQ6ZmYYFJPYnRiSfSFqYq8Ye4"

    @Test(
        "are read between other lines, of the last list that is whole",
        arguments: [
            ("", []),
            ("-----BEGIN SSH HOST KEY KEYS-----\r\n\(ed25519) root@ip-10-0-0-1\r\n", []),
            (
                "[  9.1] cloud-init[612]: #####\r\n-----BEGIN SSH HOST KEY KEYS-----\r\n\(ed25519) root@x\r\n"
                    + "[   10.0] eth0: link up\r\n-----END SSH HOST KEY KEYS-----\r\nsandbox login: ", [ed25519]
            ),
            (
                "-----BEGIN SSH HOST KEY KEYS-----\necdsa-sha2-nistp256 \(ed25519.split(separator: " ")[1])\n\(ed25519)\n"
                    + "-----END SSH HOST KEY KEYS-----\n", [ed25519]
            ),
        ])
    func keys(console: String, expected: [String]) {
        #expect(ConsoleHostKeys(console).keys == Set(expected))
    }
}
