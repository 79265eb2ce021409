import Foundation
import Glibc
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("Files outside of the playbook's folder")
struct OutsideFilesTests {
    static let ansible = PlaybookCheckTests.playbookProgram

    @Test(
        "are noted when Ansible reads them, whatever task, lookup or variable names them",
        .enabled(if: FileManager.default.isExecutableFile(atPath: ansible), "make setup installs Ansible into .venv"))
    func noted() async throws {
        try await withTemporaryDirectory { folder in
            for (path, text) in [
                "def/vars.yml": "word: yes", "def/pins.yaml": "pins: {}", "def/playbook/group_vars/all.yml": "a: b",
                "def/playbook/site.yml": """
                - hosts: all
                  gather_facts: false
                  vars_files: [../vars.yml]
                  roles: [own]
                """,
                "def/playbook/roles/own/tasks/main.yml": """
                - import_tasks: \(folder)/out/static.yml
                - include_vars: {file: "{{ pins_file }}"}
                - debug: {msg: "{{ lookup('file', '\(folder)/out/run') }} {{ lookup('file', 'inside') }}"}
                - copy: {src: "\(folder)/out/tree/", dest: "\(folder)/target/"}
                - template: {src: ../../../../more.j2, dest: "\(folder)/target/more"}
                - debug: {msg: "{{ item }}"}
                  with_fileglob: \(folder)/out/globbed/*
                """,
                "def/playbook/roles/own/files/inside": "inside", "def/more.j2": "{{ word }}",
                "out/static.yml": "- debug:", "out/run": "", "out/tree/a": "a", "out/globbed/ä": "",
                "out/globbed/z": "",
                "out/unused": "",
            ] {
                try makeDirectory(parentDirectory("\(folder)/\(path)"))
                try writeAtomically(text, to: "\(folder)/\(path)", mode: path == "out/run" ? 0o755 : 0o644)
            }
            let run = PlaybookRun(
                directory: "\(folder)/run", ansible: Self.ansible,
                playbook: .init(file: "\(folder)/def/playbook/site.yml", pins: "\(folder)/def/pins.yaml", roles: []),
                step: PlaybookStep(index: 0, roles: ["own"]),
                endpoint: SSHEndpoint(configFile: "/dev/null", alias: "localhost"),
                variables: ["pins_file": .string("\(folder)/def/pins.yaml")])
            try run.writeFiles()
            try writeAtomically("[all]\nlocalhost ansible_connection=local\n", to: "\(folder)/run/inventory.ini")
            let output = try await SystemCommandRunner().execute(run.command)
            #expect(output.status.isSuccess, "\(output)")
            let reads = try run.reads()
            let files = [
                "../../out/globbed", "../../out/run", "../../out/static.yml", "../../out/tree", "../../out/tree/a",
                "../more.j2", "../vars.yml",
            ]
            #expect(reads.keys.sorted() == files)
            // The plugin and this program agree on what a digest is.
            #expect(OutsideFiles.digests(of: files, from: "\(folder)/def/playbook") == reads)
            try run.writeFiles()
            #expect(try run.reads() == [:])
        }
    }

    @Test("have digests of content, mode, or names, by paths as Ansible understands them")
    func digests() async throws {
        try await withTemporaryDirectory { folder in
            try makeDirectory("\(folder)/link-target/names")
            try makeDirectory("\(folder)/def")
            for name in ["b", "a"] { try writeAtomically("", to: "\(folder)/link-target/names/\(name)") }
            try writeAtomically("x", to: "\(folder)/file")
            try writeAtomically("x", to: "\(folder)/program", mode: 0o700)
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/def/playbook", withDestinationPath: "../link-target")
            let paths = ["../../file", "../../program", "../../pipe", "../../gone", "../playbook/names"]
            let x = sha256(ofText: "x")
            #expect(
                OutsideFiles.digests(of: paths, from: "\(folder)/def/playbook") == [
                    "../../file": x, "../../program": "\(x) executable", "../playbook/names": sha256(ofText: "a\0b"),
                ])
            #expect(
                OutsideFiles.named(["../../file": x], from: "\(folder)/def/playbook") == [
                    "\(folder)/file (outside of the playbook)": x
                ])
        }
    }

    @Test("count as they were when they were first read, and not at all if the play made and removed them")
    func record() async throws {
        try await withTemporaryDirectory { folder in
            let playbook = SandboxDefinition.Playbook(
                file: "\(folder)/playbook/site.yml", pins: "\(folder)/playbook/../pins.yaml", roles: [])
            try makeDirectory("\(folder)/playbook")
            for name in ["file", "pins.yaml"] { try writeAtomically("now", to: "\(folder)/\(name)") }
            let lines = [["../file", "before"], ["../pins.yaml", "1"], ["../file", "after"], ["../made", "2"]]
            try writeAtomically(
                lines.map { "[\"\($0[0])\", \"\($0[1])\"]\n" }.joined(), to: "\(folder)/record")
            #expect(try OutsideFiles.noted(in: "\(folder)/record", of: playbook) == ["../file": "before"])
            #expect(try OutsideFiles.noted(in: "\(folder)/none", of: playbook) == [:])
        }
    }
}
