import Glibc
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
        arguments: [
            "roles/first/tasks/main.yml", "roles/helper/tasks/main.yml", "site.yml", "../pins.yaml",
            "roles/helper/files/README.md", "roles/last/defaults/main.yml", "roles/last/handlers/main.yml",
        ])
    func shared(_ file: String) async throws {
        try await Fixture.with { fixture in
            let before = try BuildInputs(fixture.order()).stepKeys
            try makeDirectory(parentDirectory("\(fixture.folder)/\(file)"))
            try writeAtomically("changed", to: "\(fixture.folder)/\(file)")
            let after = try BuildInputs(fixture.order()).stepKeys
            #expect(Set(before).isDisjoint(with: after))
        }
    }

    @Test("a role's file whose name is not UTF-8 is part of its step's key; if it is YAML, it may call any role")
    func bytes() async throws {
        try await Fixture.with { fixture in
            let before = try BuildInputs(fixture.order()).stepKeys
            let folder = RawPath("\(fixture.folder)/roles/last/tasks")
            let note = folder.appending([0xE9])
            let wroteNote = note.withCString { close(open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
            #expect(wroteNote == 0)
            let noted = try BuildInputs(fixture.order()).stepKeys
            #expect(noted[0] == before[0] && noted[1] != before[1])
            let tasks = RawPath("\(fixture.folder)/roles/first/tasks").appending([0xE9] + Array(".yml".utf8))
            let wroteTasks = tasks.withCString { close(open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
            #expect(wroteTasks == 0)
            let key = try BuildInputs(fixture.order()).stepKeys[0]
            try writeAtomically("changed", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            #expect(try BuildInputs(fixture.order()).stepKeys[0] != key)
        }
    }

    @Test(
        "a role that an earlier step runs or reads is part of that step's key",
        arguments: [
            ("roles/first/meta/main.yml", "dependencies:\n  - {role: last, x: 1}\n", true),
            ("roles/first/meta/main.yml", "galaxy_info: {description: before last}\ndependencies: []\n", false),
            (
                "roles/first/tasks/main.yml", "- ansible.builtin.include_role:\n    tasks_from: x\n    name: last\n",
                true
            ),
            ("roles/first/tasks/main.yml", "- import_role: name='last'\n", true),
            ("roles/first/tasks/main.yml", "- include_role: {name: \"{{ item }}\"}\n  loop: [last]\n", true),
            ("roles/first/tasks/main.yml", "- include_role: {name: helper}\n  vars: {name: last}\n", false),
            ("roles/first/tasks/main.yml", "- import_tasks: ../../last/tasks/main.yml\n", true),
            ("roles/first/tasks/main.yml", "- copy: {src: '{{ playbook_dir }}/roles/last/files/a'}\n", true),
            ("roles/first/tasks/main.yml", "- name: Make it last\n  debug:\n", false),
            ("roles/first/tasks/main.yml", "- include_role: {role: last, tasks_from: part}\n", true),
            ("roles/first/tasks/main.yml", "- include_role: {\"name\": last}\n", true),
            ("roles/helper/tasks/main.yml", "- include_role: {name: last}\n", true),
            ("site.yml", "- roles: [first, last]\n  tasks:\n    - include_role: {name: last}\n", true),
        ])
    func calls(_ file: String, _ text: String, isPart: Bool) async throws {
        try await Fixture.with { fixture in
            try makeDirectory(parentDirectory("\(fixture.folder)/\(file)"))
            try writeAtomically(text, to: "\(fixture.folder)/\(file)")
            let before = try BuildInputs(fixture.order()).stepKeys
            try writeAtomically("changed", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let after = try BuildInputs(fixture.order()).stepKeys
            #expect((before[0] != after[0]) == isPart)
            #expect(before[1] != after[1])
        }
    }

    @Test(
        "a file that a role installs is an input, the README of a role and its declarations for `dss inspect` are not",
        arguments: ["README.md", "files.txt"])
    func notes(name: String) async throws {
        try await Fixture.with { fixture in
            let before = try BuildInputs(fixture.order()).stepKeys
            try writeAtomically("words", to: "\(fixture.folder)/roles/last/\(name)")
            #expect(try BuildInputs(fixture.order()).stepKeys == before)
            try makeDirectory("\(fixture.folder)/roles/last/files")
            try writeAtomically("words", to: "\(fixture.folder)/roles/last/files/\(name)")
            let after = try BuildInputs(fixture.order()).stepKeys
            #expect(before[0] == after[0] && before[1] != after[1])
        }
    }

    @Test(
        "what an editor leaves next to a file is no input, a hidden file that a role installs is",
        arguments: [
            ("defaults/.main.yml.swp", false), ("tasks/main.yml~", false), ("tasks/.#main.yml", false),
            ("tasks/#main.yml#", false), ("files/.bashrc.swo", false), ("files/a~", false), ("tasks/.DS_Store", false),
            ("files/.DS_Store", true), ("files/.bashrc", true), ("templates/.config/a.swp", true),
            ("vars/.hidden.yml", true), ("files/#a", true),
        ])
    func editors(name: String, isInput: Bool) async throws {
        try await Fixture.with { fixture in
            let before = try BuildInputs(fixture.order()).stepKeys
            let file = "\(fixture.folder)/roles/last/\(name)"
            try makeDirectory(parentDirectory(file))
            try writeAtomically("words", to: file)
            #expect(try (BuildInputs(fixture.order()).stepKeys != before) == isInput)
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

    @Test(
        "the parts of a key are named as a person knows them, relative to the definition, with those of earlier steps")
    func parts() async throws {
        try await Fixture.with { fixture in
            var fixture = fixture
            fixture.definition.playbook.pins = fixture.folder.replacing("/playbook", with: "/pins.yaml")
            fixture.definition.playbook.variables["x"] = .integer(1)
            let parts = try BuildInputs(fixture.order()).stepParts
            let shared: Set = [
                "--release", "playbook.variables.x", "pins.yaml", "playbook/roles/helper/tasks/main.yml",
                "playbook/site.yml", "ports.jupyter", "user.name",
            ]
            #expect(shared.isSubset(of: parts[0].keys))
            #expect(parts[0]["playbook/roles/first/tasks/main.yml"] != nil)
            #expect(Set(parts[1].keys).subtracting(parts[0].keys) == ["playbook/roles/last/tasks/main.yml"])
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
