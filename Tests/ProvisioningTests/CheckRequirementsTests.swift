import Testing
import Workbench

@testable import Provisioning

@Suite("The requirements of an installed Python environment")
struct CheckRequirementsTests {
    @Test("what is needed and not pinned is named with the command that adds it; what is left out is not")
    func problems() async throws {
        let output = try await check(
            """
            The package `Foo-Bar` requires `numpy>=1.23.2`, but it's not installed
            The package `foo-bar` requires `Torch_Vision[x]>=2`, but it's not installed
            The package `foo-bar` requires `idna>=3`, but `2.1` is installed
            The package `of-the-user` requires `numpy`, but it's not installed
            """)
        #expect(output.status == .exited(1))
        #expect(
            output.standardError == """
                foo-bar 1.0 needs numpy>=1.23.2, which is not pinned; to mend it: dss pins add lab foo-bar==1.0
                foo-bar 1.0 needs idna>=3, but 2.1 is pinned; to mend it: dss pins add lab foo-bar==1.0 --move idna

                """)
    }

    @Test("what is left out on purpose, or belongs to the user, is no failure")
    func expected() async throws {
        let left = try await check("The package `foo-bar` requires `torch-vision`, but it's not installed")
        #expect(left.status.isSuccess && left.standardError.isEmpty)
        let user = try await check("The package `x` requires `y`, but it's not installed")
        #expect(user.status.isSuccess)
    }

    @Test("a program that fails otherwise is quoted")
    func broken() async throws {
        let output = try await check("error: No virtual environment found")
        #expect(output.status == .exited(1) && output.standardError == "error: No virtual environment found\n")
    }

    @Test("the input is read where nothing is to be checked or installed, because Ansible fails if it cannot write it")
    func input() async throws {
        let text = String(repeating: "#", count: 200_000)
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        try await withTemporaryDirectory { folder in
            try makeDirectory("\(folder)/bin")
            try writeAtomically("#!/bin/sh\n", to: "\(folder)/bin/uv", mode: 0o755)
            try writeAtomically("global.timeout='60'\n", to: "\(folder)/pip-settings")
            let task = try readText("\(root)/playbook/roles/python_env/tasks/installer.yml")
            let lines = task.split(separator: "\n", omittingEmptySubsequences: false)
                .drop { !$0.hasSuffix("cmd: |") }.dropFirst().prefix { $0.hasPrefix("      ") || $0.isEmpty }
            let script = lines.map { $0.dropFirst(6) }.joined(separator: "\n")
                .replacing("{{ python_env_installer | quote }}", with: folder)
                .replacing("{{ python_env_settings_file | quote }}", with: "\(folder)/pip-settings")
            let output = try await SystemCommandRunner().execute(Command("sh", ["-c", script], input: .text(text)))
            #expect(output.status.isSuccess && output.standardOutput == "global.timeout='60'\n", "\(output)")
            #expect(try readText("\(folder)/build-requirements") == text)
            let checked = try await SystemCommandRunner().execute(
                Command(
                    "python3",
                    [
                        "\(root)/playbook/roles/python_env/files/check_requirements.py", "\(folder)/bin/uv", "python",
                        "lab",
                    ], input: .text(#"{"pinned": {}, "excluded": ["\#(text)"]}"#)))
            #expect(checked.status.isSuccess, "\(checked)")
        }
    }

    /// What the script of the role `python_env` makes of a failing `uv pip check`.
    private func check(_ said: String) async throws -> CommandOutput {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return try await withTemporaryDirectory { folder in
            try writeAtomically("#!/bin/sh\ncat \"$0.said\" >&2\nexit 1\n", to: "\(folder)/uv", mode: 0o755)
            try writeAtomically(said + "\n", to: "\(folder)/uv.said")
            return try await SystemCommandRunner().execute(
                Command(
                    "python3",
                    [
                        "\(root)/playbook/roles/python_env/files/check_requirements.py", "\(folder)/uv", "python",
                        "lab",
                    ], input: .text(#"{"pinned": {"foo_bar": "1.0", "idna": "2.1"}, "excluded": ["torch_vision"]}"#)))
        }
    }
}
