import Provisioning
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The keys of the playbook's steps")
struct BuildInputsTests {
    @Test("a change in the last role leaves the first step's key alone")
    func lastRole() async throws {
        try await Fixture.with { fixture in
            let before = try BuildInputs(fixture.order()).stepKeys
            try writeAtomically("changed", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let after = try BuildInputs(fixture.order()).stepKeys
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
            let before = try BuildInputs(fixture.order()).stepKeys
            try writeAtomically("changed", to: "\(fixture.folder)/\(file)")
            let after = try BuildInputs(fixture.order()).stepKeys
            #expect(Set(before).isDisjoint(with: after))
        }
    }

    @Test("variables, user, port and release count, the asset id, a README and the password do not")
    func inputs() async throws {
        try await Fixture.with { fixture in
            let plain = try BuildInputs(fixture.order()).stepKeys
            var other = fixture
            other.definition.playbook.variables["x"] = .integer(1)
            #expect(try BuildInputs(other.order()).stepKeys != plain)
            other = fixture
            other.definition.ports.jupyter = 8888
            #expect(try BuildInputs(other.order()).stepKeys != plain)
            other = fixture
            other.definition.user.name = "alice"
            #expect(try BuildInputs(other.order()).stepKeys != plain)
            #expect(try BuildInputs(fixture.order(isRelease: true)).stepKeys != plain)
            try writeAtomically("words", to: "\(fixture.folder)/README.md")
            let same = try fixture.order("2.0", password: .given(Secret("two")))
            #expect(try BuildInputs(same).stepKeys == plain)
        }
    }
    @Test("an edition has a digest of its own, which follows the steps and what only the edition has")
    func editions() async throws {
        try await Fixture.with { fixture in
            func digests(_ definition: SandboxDefinition, _ inputs: BuildInputs, program: String = "p") -> [String] {
                [
                    inputs.amiDigest(of: definition), inputs.diskDigest(of: definition, program: program),
                    inputs.containerDigest(of: definition, [:], program: program),
                ]
            }
            let (plain, inputs) = (fixture.definition, try BuildInputs(fixture.order()))
            let before = digests(plain, inputs)
            #expect(Set(before).count == 3)
            #expect(Set(before).isDisjoint(with: digests(plain, BuildInputs(stepKeys: ["other"]))))
            var other = plain
            other.aws.volumeSizeGiB += 1
            #expect(zip(before, digests(other, inputs)).map(!=) == [true, false, false])
            other = plain
            other.disk.sizeMiB += 1024
            #expect(zip(before, digests(other, inputs)).map(!=) == [false, true, false])
            other = plain
            other.version = "2.0"
            #expect(zip(before, digests(other, inputs)).map(!=) == [true, true, false])
            #expect(zip(before, digests(plain, inputs, program: "q")).map(!=) == [false, true, true])
        }
    }
}
