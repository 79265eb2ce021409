import Sandbox
import Testing

@testable import Definition

/// A definition whose playbook has the role `mytools`, and what is wrong with its pins.
@Suite("What the roles install is pinned")
struct RolePinsTests {
    private static let hash = String(repeating: "0a", count: 32)

    @Test func `a package without a version is refused with its place and the command that adds it`() {
        #expect(
            mistakes(["roles/mytools/defaults/main.yml": "---\nmytools_packages:\n  - curl\n  - htop\n"]) == [
                "playbook/roles/mytools/defaults/main.yml:4:5: error: htop (role mytools) has no version in pins.yaml, "
                    + "add it: dss pins add apt htop"
            ])
    }

    @Test(arguments: [
        // Everything is pinned.
        ["roles/mytools/defaults/main.yml": "mytools_packages: [curl]\n"],
        // Only Ansible knows the list, or parts of it.
        ["roles/mytools/defaults/main.yml": "mytools_packages: \"{{ ['htop'] if x else [] }}\"\n"],
        ["roles/mytools/defaults/main.yml": "mytools_packages: [\"{{ name }}\"]\n"],
        // Another file wins.
        [
            "roles/mytools/defaults/main.yml": "mytools_packages: [htop]\n",
            "roles/mytools/vars/main.yml": "mytools_packages: [curl]\n",
        ],
        [
            "roles/mytools/defaults/main.yml": "mytools_packages: [htop]\n",
            "group_vars/all.yml": "mytools_packages: [curl]\n",
        ],
        // Ansible explains what is no YAML.
        ["roles/mytools/defaults/main.yml": "mytools_packages: [\n"],
        // Perhaps not used, or with a way out.
        ["roles/mytools/tasks/main.yml": "- {apt: {name: \"htop={{ pins.apt.htop }}\"}, when: x}\n"],
        ["roles/mytools/tasks/main.yml": "- apt: {name: \"htop={{ pins.apt.htop | default('1') }}\"}\n"],
        ["roles/mytools/tasks/main.yml": "- apt: {name: \"{{ pins.apt.keys() }}\"}\n"],
        // Its environment is there.
        ["roles/mytools/tasks/main.yml": "- import_role: {name: python_env}\n  vars: {python_env_name: lab}\n"],
    ])
    func `what is pinned, or cannot be known without Ansible, is accepted`(files: [String: String]) {
        #expect(mistakes(files) == [])
    }

    @Test(arguments: ["pins.apt.htop", "pins.apt['htop']", "pins.apt[\"htop\"]"])
    func `a task that takes a version that is not there is refused`(reference: String) {
        #expect(
            mistakes([
                "roles/mytools/tasks/main.yml": "- name: Install\n  apt:\n    name: 'htop={{ \(quoted(reference)) }}'\n"
            ])
                == [
                    "playbook/roles/mytools/tasks/main.yml:3:11: error: htop (role mytools) has no version in pins.yaml, "
                        + "add it: dss pins add apt htop"
                ])
    }

    @Test func `an environment that is not there is refused`() {
        let tasks = "- import_role: {name: python_env}\n  vars:\n    python_env_name: plots\n"
        #expect(
            mistakes(["roles/mytools/tasks/main.yml": tasks]) == [
                "playbook/roles/mytools/tasks/main.yml:3:22: error: the Python environment 'plots' (role mytools) is "
                    + "not in pins.yaml, add it: dss pins add --new-environment plots PACKAGE"
            ])
    }

    @Test func `a variable of the definition wins over the role`() {
        let defaults = ["roles/mytools/defaults/main.yml": "mytools_packages: [htop]\n"]
        #expect(mistakes(defaults, definition: "playbook: {variables: {mytools_packages: [curl]}}\n") == [])
        #expect(
            mistakes([:], definition: "playbook: {variables: {mytools_packages: [htop]}}\n") == [
                "sandbox.yaml:3:43: error: htop (role mytools) has no version in pins.yaml, "
                    + "add it: dss pins add apt htop"
            ])
    }

    @Test func `a Python package that was added by hand is refused`() {
        let pins = Self.pins.replacing("six: \"1\"", with: "six: \"1\"\n    pandas: \"2.3.3\"")
        #expect(
            mistakes([:], pins: pins) == [
                "pins.yaml:7:5: error: 'pandas' has no hash in pip_sha256.lab, unlike the others there, "
                    + "add it with what it needs: dss pins add lab pandas==2.3.3"
            ])
    }

    @Test func `a command that completes the pins reads them all the same`() throws {
        let files = ["roles/mytools/defaults/main.yml": "mytools_packages: [htop]\n"]
        let sandbox = try source(files, "", Self.pins).loadSandbox(requiringCompletePins: false)
        #expect(sandbox.pins.pins.apt == ["curl": "1"])
    }

    private static let pins = """
        distribution: debian
        suite: bookworm
        apt: {curl: "1"}
        pip:
          lab:
            six: "1"
          uv: {uv: "1"}
        pip_sha256:
          lab: {six: "\(hash)"}

        """

    /// Single quotes in a YAML string in single quotes.
    private func quoted(_ text: String) -> String { text.replacing("'", with: "''") }

    private func source(_ files: [String: String], _ definition: String, _ pins: String) -> DefinitionSource {
        var texts = [
            "/home/sandbox.yaml": minimal + definition, "/home/pins.yaml": pins,
            "/home/playbook/site.yml": "- hosts: all\n  roles: [mytools]\n",
        ]
        for (path, text) in files { texts["/home/playbook/\(path)"] = text }
        return DefinitionSource(currentDirectory: "/home", files: .memory(texts))
    }

    private func mistakes(_ files: [String: String], definition: String = "", pins: String = pins) -> [String] {
        do {
            _ = try source(files, definition, pins).loadSandbox()
            return []
        } catch let failure as Failure {
            return failure.details
        } catch {
            return ["\(error)"]
        }
    }
}
