import Glibc
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite(
    "The playbook with a password in a URL",
    .enabled(
        if: geteuid() == 0 && fileExists(PlaybookCheckTests.playbookProgram),
        "needs root, and Ansible in .venv, which make setup installs"))
struct PlaybookLoginTests {
    @Test("the installer of Python packages gets indexes with a password, which no process shows")
    func indexes() async throws {
        try await withTemporaryDirectory { folder in
            let runner = try await WatchedRunner(folder)
            let program = "\(folder)/uv/bin/uv"
            try makeDirectory(parentDirectory(program))
            try writeAtomically("#!/bin/sh\nenv >\"$0.$3\"\ncat >\"$0.in.$3\"\n", to: program, mode: 0o755)
            try writeAtomically("", to: "\(folder)/uv/build-requirements")
            try writeAtomically(
                "global.extra-index-url='https://a.test\\n\(runner.url("b"))'\nglobal.index-url='\(runner.url("a"))'\n",
                to: "\(folder)/uv/pip-settings")
            let output = try await play(
                "python_env",
                """
                pins: {pip: {uv: {uv: '1'}, lab: {tiny: '1.0'}}, pip_excluded: {lab: {left: out}}}
                python_env_name: lab
                python_env_path: \(folder)/env
                python_env_installer: \(folder)/uv
                python_env_records: \(folder)/records
                python_env_index: \(runner.url("c"))
                """, in: folder, runner)
            let (first, added) = (try lines("\(program).-"), try lines("\(program).--index-strategy"))
            #expect(first.contains("UV_DEFAULT_INDEX=\(runner.url("a"))"), "\(output)")
            #expect(first.contains("UV_INDEX=https://a.test \(runner.url("b"))"))
            #expect(added.contains("UV_INDEX=\(runner.url("c")) https://a.test \(runner.url("b"))"))
            #expect(try lines("\(program).in.-") == ["tiny==1.0"])
            #expect(runner.leaks == [])
        }
    }

    @Test("a clone and a mirror need a password, which no process shows and the clone does not keep")
    func clone() async throws {
        try await withTemporaryDirectory { folder in
            try await createRelease(in: folder)
            let runner = try await WatchedRunner(folder)
            for (index, url) in [runner.url("release.git"), "https://git.invalid/release.git"].enumerated() {
                let output = try await play(
                    "script_languages",
                    """
                    sandbox_user: root
                    script_languages_url: '\(url)'
                    script_languages_version: '9.0'
                    script_languages_required: true
                    script_languages_mirrors: {'https://git.invalid/': '\(runner.url(""))'}
                    script_languages_path: \(folder)/clone\(index)
                    script_languages_missing_file: \(folder)/missing
                    script_languages_missing_log: \(folder)/missing.log
                    script_languages_credentials_folder: \(folder)/credentials
                    """, in: folder, runner)
                #expect(output.status.isSuccess, "\(output)")
                #expect(!output.standardOutput.contains(WatchedRunner.secret))
                #expect(try !readText("\(folder)/clone\(index)/.git/config").contains(WatchedRunner.secret))
            }
            #expect(!fileExists("\(folder)/credentials"))
            #expect(runner.leaks == [])
        }
    }

    @Test("a clone from a mirror names the address of the definition only, also after another version was fetched")
    func mirror() async throws {
        try await withTemporaryDirectory { folder in
            try await createRelease(in: folder)
            let runner = try await WatchedRunner(folder)
            let clone = "\(folder)/clone"
            for version in ["9.0", "9.1"] {
                let output = try await play(
                    "script_languages",
                    """
                    sandbox_user: root
                    script_languages_url: https://git.invalid/release.git
                    script_languages_version: '\(version)'
                    script_languages_required: true
                    script_languages_mirrors: {'https://git.invalid/': '\(runner.url(""))'}
                    script_languages_path: \(clone)
                    script_languages_missing_file: \(folder)/missing
                    script_languages_missing_log: \(folder)/missing.log
                    script_languages_credentials_folder: \(folder)/credentials
                    """, in: folder, runner)
                #expect(output.status.isSuccess, "\(output)")
                let config = try readText("\(clone)/.git/config")
                #expect(config.contains("url = https://git.invalid/release.git\n"))
                let grep = Command("grep", ["--recursive", "--text", "--fixed-strings", "127.0.0.1", clone])
                let found = try await SystemCommandRunner().execute(grep)
                #expect(found.status == .exited(1), "\(found.standardOutput)")
            }
        }
    }

    /// Creates a repository with two versions, to be served as files.
    private func createRelease(in folder: String) async throws {
        let script = """
            commit() { git -c user.name=a -c user.email=b commit --quiet --allow-empty -m c; git tag "$1"; }
            git init --quiet work; cd work; commit 9.0; commit 9.1
            git clone --quiet --bare . ../release.git; git -C ../release.git update-server-info
            """
        try await SystemCommandRunner().run(Command("sh", ["-e", "-c", script], workingDirectory: folder))
    }

    private func lines(_ file: String) throws -> [String] { try readText(file).split(separator: "\n").map(String.init) }

    /// Runs a role on this host.
    private func play(
        _ role: String, _ variables: String, in folder: String, _ runner: WatchedRunner
    ) async throws -> CommandOutput {
        let playbook = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/playbook"
        let text = """
            - hosts: localhost
              connection: local
              gather_facts: false
              vars:
                edition: vm
                sandbox_home: \(folder)
                pins_file: pins.yaml
            \(variables.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
              roles: [\(role)]

            """
        try writeAtomically(text, to: "\(folder)/site.yml", mode: 0o600)
        return try await runner.execute(
            Command(
                PlaybookCheckTests.playbookProgram, ["\(folder)/site.yml"],
                environment: [
                    "ANSIBLE_ROLES_PATH": "\(playbook)/roles", "ANSIBLE_LIBRARY": "\(playbook)/library",
                    "ANSIBLE_LOCAL_TEMP": "\(folder)/tmp", "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
                    "LC_ALL": "C.UTF-8",
                ]))
    }
}
