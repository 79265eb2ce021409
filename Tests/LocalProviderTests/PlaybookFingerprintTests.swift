import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The keys of the playbook's steps")
struct PlaybookFingerprintTests {
    @Test("a change in the last role leaves the first step's key alone")
    func lastRole() async throws {
        try await Fixture.with { fixture in
            let before = try PlaybookFingerprint(fixture.order()).stepKeys
            try writeAtomically("changed", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let after = try PlaybookFingerprint(fixture.order()).stepKeys
            #expect(before.count == 2)
            #expect(before[0] == after[0])
            #expect(before[1] != after[1])
        }
    }

    @Test(
        "what any role may use changes all keys",
        arguments: ["roles/first/tasks/main.yml", "roles/helper/tasks/main.yml", "site.yml", "../pins.yaml"])
    func shared(_ file: String) async throws {
        try await Fixture.with { fixture in
            let before = try PlaybookFingerprint(fixture.order()).stepKeys
            try writeAtomically("changed", to: "\(fixture.folder)/\(file)")
            let after = try PlaybookFingerprint(fixture.order()).stepKeys
            #expect(Set(before).isDisjoint(with: after))
        }
    }

    @Test("variables, user, port and release count, the asset id, a README and the password do not")
    func inputs() async throws {
        try await Fixture.with { fixture in
            let plain = try PlaybookFingerprint(fixture.order()).stepKeys
            var other = fixture
            other.definition.playbook.variables["x"] = .integer(1)
            #expect(try PlaybookFingerprint(other.order()).stepKeys != plain)
            other = fixture
            other.definition.ports.jupyter = 8888
            #expect(try PlaybookFingerprint(other.order()).stepKeys != plain)
            other = fixture
            other.definition.user.name = "alice"
            #expect(try PlaybookFingerprint(other.order()).stepKeys != plain)
            #expect(try PlaybookFingerprint(fixture.order(isRelease: true)).stepKeys != plain)
            try writeAtomically("words", to: "\(fixture.folder)/README.md")
            let same = try fixture.order("2.0", password: .given(Secret("two")))
            #expect(try PlaybookFingerprint(same).stepKeys == plain)
        }
    }
}
