import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Provisioning

/// Answers every command with the same output.
private struct OneAnswer: ExecutingRunner {
    var output: CommandOutput

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput { output }
}

@Suite("Checking a playbook without a machine")
struct PlaybookCheckTests {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    /// The interpreter beside Ansible, which `make` installs.
    static let python = "\(root)/.venv/bin/python3"
    static let playbookProgram = "\(root)/.venv/bin/ansible-playbook"

    private func check(_ runner: any CommandRunner = SystemCommandRunner()) -> PlaybookCheck {
        PlaybookCheck(runner: runner, python: Self.python, ansible: Self.playbookProgram)
    }

    private func playbook(_ file: String) -> SandboxDefinition.Playbook {
        SandboxDefinition.Playbook(file: file, pins: "", roles: [])
    }

    private func withFile(
        _ name: String, _ text: String, _ body: (SandboxDefinition.Playbook, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/roles/own/\(name)"
            try makeDirectory(parentDirectory(path))
            try writeAtomically(text, to: path)
            try await body(playbook("\(folder)/site.yml"), path)
        }
    }

    @Test("the shipped playbook has no mistakes", .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"))
    func shipped() async throws {
        let parts = try await check().files(of: playbook("\(Self.root)/playbook/site.yml"))
        #expect(parts.map(\.name) == ["YAML files", "templates", "notebooks"])
        #expect(parts.allSatisfy { $0.errors.isEmpty && $0.count > 5 }, "\(parts)")
    }

    @Test(
        "the arguments of every module of Ansible are those that Ansible's own function finds",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"))
    func documentedArguments() async throws {
        let script = """
            import ansible, pathlib, sys
            sys.path.insert(0, sys.argv[1])
            from ansible.plugins.loader import fragment_loader, init_plugin_loader, module_loader
            from ansible.utils.plugin_docs import get_plugin_docs
            init_plugin_loader([])
            import dss_check

            def known(options):
                return {name: (value.get("aliases") or [], value.get("required")) for name, value in options.items()}

            count = 0
            for path in sorted(pathlib.Path(ansible.__file__).parent.glob("modules/*.py")):
                name = "ansible.builtin." + path.stem
                try:
                    theirs = get_plugin_docs(name, "module", module_loader, fragment_loader, False)[0]
                except Exception:
                    continue
                if theirs is None:
                    continue
                count += 1
                if known(dss_check.documented_options(name)) != known(theirs.get("options") or {}):
                    print(name)
            print(count > 50)
            """
        let resources = "\(Self.root)/Sources/Provisioning/Resources"
        let output = try await SystemCommandRunner().execute(
            Command(Self.python, ["-B", "-", resources], input: .text(script)))
        #expect(output.standardOutput == "True\n", "\(output)")
    }

    @Test(
        "a mistake is named with file, line and column",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            ("tasks/main.yml", "- name: a\n  copy: [\n", "3:1: error: invalid YAML: "),
            ("tasks/main.yml", "- debug:\n    msg: \"{{ a ]\"\n", "2:10: error: invalid Jinja2: unexpected ']'"),
            ("tasks/main.yml", "- debug:\n  when: a and\n", "2:9: error: invalid Jinja2: "),
            ("tasks/main.yml", "- shell: |\n    a\n    {{ b\n", "3:5: error: invalid Jinja2: "),
            (
                "tasks/main.yml", "- copy:\n    dest: {{ a }}\n",
                "2:12: error: a value that begins with {{ must be in quotes"
            ),
            (
                "tasks/main.yml", "- debug: {msg: \"{{ [1] | joiin(',') }}\"}\n",
                "1:26: error: there is no filter 'joiin'; did you mean 'join'?"
            ),
            ("handlers/main.yml", "- debug:\n  when: 1 is oddd\n", "2:14: error: there is no test 'oddd'"),
            ("templates/a.j2", "a\n{{ b | map('upperr') }}\n", "2:13: error: there is no filter 'upperr'"),
            ("vars/main.yml", "a: &a {b: *a}\n", "1:1: error: invalid YAML: an alias contains itself"),
            ("templates/a.conf.j2", "a\n  {% if b %}\n{{ c | }}\n", "3:1: error: invalid Jinja2: "),
            ("files/01-a.ipynb", "{\"cells\" []}", "1:10: error: the notebook is not JSON: Expecting ':' delimiter"),
            ("files/01-a.ipynb", "{}", "1:1: error: the notebook has no cells"),
        ])
    func mistakes(name: String, text: String, error: String) async throws {
        try await withFile(name, text) { playbook, path in
            let errors = try await check().files(of: playbook).flatMap(\.errors)
            #expect(errors.count == 1 && errors[0].hasPrefix("\(path):\(error)"), "\(errors)")
            let failure = await #expect(throws: Failure.self) { try await check().requireSound(playbook) }
            #expect(failure?.code == .badData && failure?.details == errors)
        }
    }

    @Test(
        "what Ansible does not take for an expression is no mistake",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            ("tasks/main.yml", "- debug:\n    msg: !unsafe \"{{ a ]\"\n"), ("defaults/main.yml", "when: a and\n"),
            ("templates/a.j2", "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n{{ a ]\n"),
            ("files/a.j2", "{{ a ]"),
            (
                "tasks/main.yml",
                "- debug: {msg: \"{{ [1] | a.b.own | urlsplit is not ansible.builtin.match('x') | b64encode }}\"}\n"
            ),
        ])
    func sound(name: String, text: String) async throws {
        try await withFile(name, text) { playbook, _ in
            let parts = try await check().files(of: playbook)
            #expect(parts.allSatisfy { $0.errors.isEmpty }, "\(parts)")
        }
    }

    @Test(
        "a variable that nothing can define is named, with the one that was meant",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            (
                "tasks/main.yml", "- debug: {msg: \"{{ sandbox_usr }}\"}\n",
                "1:20: error: variable 'sandbox_usr' is not defined; did you mean 'sandbox_user'?"
            ),
            ("tasks/main.yml", "- debug:\n  when: own_flag == 1\n", "2:9: error: variable 'own_flag' is not defined"),
            ("tasks/main.yml", "- debug:\n  when: own_flag\n", "2:9: error: variable 'own_flag' is not defined"),
            (
                "handlers/main.yml", "- debug:\n  failed_when:\n    - yes\n    - own_flag\n",
                "4:7: error: variable 'own_flag' is not defined"
            ),
            (
                "tasks/main.yml", "- include_role: {name: helper}\n- debug: {msg: \"{{ helper }}\"}\n",
                "2:20: error: variable 'helper' is not defined"
            ),
            ("tasks/main.yml", "- shell: >\n    a\n    {{ own }}\n", "3:8: error: variable 'own' is not defined"),
            ("templates/a.j2", "{% set b = c %}\n{{ b }}\n", "1:12: error: variable 'c' is not defined"),
            ("templates/a.conf.j2", "a\n{{ b.c | upper }}\n", "2:4: error: variable 'b' is not defined"),
        ])
    func undefined(name: String, text: String, error: String) async throws {
        try await withFile(name, text) { playbook, path in
            let parts = try await check().files(of: playbook, variables: ["sandbox_user", "edition"])
            #expect(parts.last?.name == "variables" && parts.last?.errors == ["\(path):\(error)"], "\(parts)")
            // A build does not stop for it.
            #expect(try await check().files(of: playbook).allSatisfy { $0.errors.isEmpty })
        }
    }

    @Test(
        "a variable that may be defined is no mistake",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            "- {command: a, register: own}\n- debug: {msg: \"{{ own.rc }} {{ edition }} {{ ansible_host }}\"}\n",
            "- set_fact: own=1\n- debug: {msg: \"{{ own }}\"}\n",
            "- debug: {msg: \"{{ own }}\"}\n  when: own is defined\n",
            "- debug: {msg: \"{{ own | default(1) }}\"}\n- debug: {msg: \"{{ own }}\"}\n",
            "- debug: {msg: \"{{ own }}\"}\n  loop: [1]\n  loop_control: {loop_var: own}\n",
            "- debug: {msg: \"{% for own in [item] %}{{ own }}{{ loop.index }}{% endfor %}\"}\n",
            "- include_vars: {file: /etc/own.yml, name: own}\n- debug: {msg: \"{{ own }}\"}\n",
            "- include_vars: file=/etc/own.yml name=own\n- debug: {msg: \"{{ own }}\"}\n",
            "- set_fact: {\"{{ item }}\": 1}\n  loop: [own]\n- debug: {msg: \"{{ own }}\"}\n",
            "- debug:\n  when: [yes, no, true, 1]\n",
            "- include_vars: ../../none.yml\n- debug: {msg: \"{{ own }}\"}\n",
            "- debug: {msg: \"{{ lookup('template', 'a.j2', template_vars={'own': 1}) }} {{ own }}\"}\n",
        ])
    func defined(text: String) async throws {
        try await withFile("tasks/main.yml", text) { playbook, _ in
            let parts = try await check().files(of: playbook, variables: ["edition"])
            #expect(parts.allSatisfy { $0.errors.isEmpty }, "\(parts)")
        }
    }

    /// One play for all mistakes, because Ansible needs two seconds to start.
    @Test(
        "a mistake in a task is named with its place, and what only the run can tell is none",
        .enabled(if: fileExists(PlaybookCheckTests.playbookProgram), "needs .venv"))
    func tasks() async throws {
        try await withTemporaryDirectory { folder in
            for (path, text) in [
                "site.yml": "- hosts: all\n  roles: [own]\n  post_tasks:\n    - copy: {src: none, dest: /x}\n",
                "roles/own/handlers/main.yml":
                    "- {name: a, service: {nam: b}}\n- {name: c, command: ls, listen: topic, notify: none}\n",
                "roles/helper/handlers/main.yml": "- {name: helped, command: ls}\n",
                "roles/helper/tasks/main.yml": "- debug: {mesg: a}\n",
                "roles/own/tasks/more.yml": "- stat: {}\n",
                "roles/own/tasks/main.yml": """
                - ansible.builtin.copy:
                    src: none.txt
                    dest: /x
                    modee: "0644"
                - template: {src: none.j2, dest: /x}
                - script: none.sh --flag
                - command: {cmd: ls, chdirr: /}
                - include_role: {name: helper}
                - include_tasks: more.yml
                - include_role: {name: nobody}
                - pip: {name: [flask, "numpy==1", "fsspec[s3,gs]"]}
                - ansible.builtin.apt: {name: "htop,jq=1"}
                - {command: ls, notify: [nobody, a, topic, "own : a", "{{ edition }}", helped]}
                """,
            ] {
                try makeDirectory(parentDirectory("\(folder)/\(path)"))
                try writeAtomically(text, to: "\(folder)/\(path)")
            }
            let errors = try await check().play(of: playbook("\(folder)/site.yml")).flatMap(\.errors)
            let own = "\(folder)/roles/own/tasks/main.yml"
            let expected = [
                "\(own):4:5: error: ansible.builtin.copy has no argument 'modee'",
                "\(own):2:10: error: file 'none.txt' not found in the role 'own'",
                "\(own):5:19: error: file 'none.j2' not found in the role 'own'",
                "\(own):6:11: error: file 'none.sh' not found in the role 'own'",
                "\(own):7:22: error: command has no argument 'chdirr'",
                "\(folder)/roles/helper/tasks/main.yml:1:11: error: debug has no argument 'mesg'",
                "\(folder)/roles/own/tasks/more.yml:1:3: error: stat requires the argument 'path'",
                "\(own):10:24: error: the role 'nobody' was not found",
                "\(own):11:16: error: pip package 'flask' has no version, for example flask==VERSION",
                "\(own):11:36: error: pip package 'fsspec[s3,gs]' has no version, for example fsspec[s3,gs]==VERSION",
                "\(own):12:32: error: apt package 'htop' has no version, for example htop=VERSION",
                "\(folder)/site.yml:4:19: error: file 'none' not found",
                "\(own):13:26: error: there is no handler 'nobody'",
                "\(folder)/roles/own/handlers/main.yml:2:49: error: there is no handler 'none'",
            ]
            #expect(errors.sorted() == expected.sorted())
            // What a build refuses: everything but packages without a version.
            let failure = await #expect(throws: Failure.self) {
                try await check().requireLoadable(playbook("\(folder)/site.yml"))
            }
            #expect(failure?.code == .badData)
            let refused = expected.filter { !$0.contains("has no version") }
            #expect(failure?.details.sorted() == refused.sorted())

            try writeAtomically(
                """
                - copy: {src: "{{ edition }}", dest: /x}
                - copy: {src: none, dest: /x, remote_src: true}
                - copy: {src: none, dest: /x}
                  ignore_errors: true
                - block: [{copy: {src: none, dest: /x}}]
                  rescue: [{debug: }]
                - copy: "{{ edition }}"
                - unarchive: {src: "https://example.com/a.tgz", dest: /x}
                - pip: {name: flask, extra_args: --constraint /c}
                - pip: {name: "git+https://example.com/a", state: present}
                - pip: {name: flask, state: absent}
                - apt: {update_cache: true}
                - set_fact: {anything: 1}
                - shell: ls
                """, to: own)
            try writeAtomically("- hosts: all\n  roles: [own]\n", to: "\(folder)/site.yml")
            try writeAtomically("", to: "\(folder)/roles/own/handlers/main.yml")
            let parts = try await check().play(of: playbook("\(folder)/site.yml"))
            #expect(parts.map(\.name) == ["Ansible's syntax", "tasks"] && parts[1].count == 13, "\(parts)")
            #expect(parts.allSatisfy { $0.errors.isEmpty }, "\(parts)")
        }
    }

    @Test(
        "neither the shipped sandbox nor a new one has mistakes",
        .enabled(if: fileExists(PlaybookCheckTests.playbookProgram), "needs .venv"), arguments: [false, true])
    func sandboxes(isNew: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let folder = isNew ? "\(directory)/new" : Self.root
            if isNew { try StarterSandbox(from: Self.root, in: folder).write() }
            let playbook = playbook("\(folder)/playbook/site.yml")
            let definition = SandboxDefinition(
                name: "a", version: "1",
                playbook: .init(
                    file: playbook.file, pins: "", roles: [], variables: ["script_languages_url": .string("")]))
            let names = AnsibleProvisioner.variableNames(of: definition)
            #expect(names.contains("edition") && names.contains("script_languages_url"))
            let parts = try await check().files(of: playbook, variables: names) + check().play(of: playbook)
            #expect(parts.allSatisfy { $0.errors.isEmpty }, "\(parts)")
            #expect((parts.last?.count ?? 0) > 50)
        }
    }

    @Test("without YAML or Jinja2 the check says so, and a build goes on")
    func noModules() async throws {
        let output = CommandOutput(status: .exited(69), standardError: "python3 has no module jinja2\n")
        let check = self.check(OneAnswer(output: output))
        try await withTemporaryDirectory { folder in
            let playbook = playbook("\(folder)/site.yml")
            let failure = await #expect(throws: Failure.self) { try await check.files(of: playbook) }
            #expect(failure?.code == .unavailable && failure?.message.hasSuffix("python3 has no module jinja2") == true)
            try await check.requireSound(playbook)
        }
    }

    @Test(
        "the filters and tests that are known are those of Ansible",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"))
    func plugins() async throws {
        let script = """
            import ansible, importlib, jinja2, pathlib
            for kind, own in ("filter", jinja2.filters.FILTERS), ("test", jinja2.tests.TESTS):
                folder = pathlib.Path(ansible.__file__).parent / "plugins" / kind
                names = set()
                for path in folder.glob("[!_]*.py"):
                    module = importlib.import_module(f"ansible.plugins.{kind}.{path.stem}")
                    names |= set(getattr(getattr(module, f"{kind.title()}Module")(), f"{kind}s")())
                print(len(names) > 20, sorted(names - set(own) - {path.stem for path in folder.glob("*.*")}))
            """
        let output = try await SystemCommandRunner().execute(Command(Self.python, ["-"], input: .text(script)))
        #expect(output.standardOutput == "True []\nTrue []\n", "\(output)")
    }

    @Test("if Ansible does not answer, a build goes on", arguments: ["", "[WARNING]: no plugins\n"])
    func noAnswer(text: String) async throws {
        let check = self.check(OneAnswer(output: CommandOutput(status: .exited(0), standardError: text)))
        try await check.requireLoadable(playbook("/p/site.yml"))
    }

    @Test("Ansible's error at a line that is known to be wrong is not repeated")
    func repetition() {
        let yaml = CheckedPart(name: "YAML files", count: 2, errors: ["/p/a.yml:3:1: error: invalid YAML"])
        let same = CheckedPart(name: "syntax", count: 1, errors: ["/p/a.yml:3:5: error: YAML parsing failed"])
        let other = CheckedPart(name: "syntax", count: 1, errors: ["/p/a.yml:33:1: error: no such module"])
        let placeless = CheckedPart(name: "syntax", count: 1, errors: ["/p/a.yml: error: no play"])
        let sound = CheckedPart(name: "tasks", count: 1)
        let kept = CheckedPart.unrepeated([same, other, placeless, sound], after: [yaml])
        #expect(kept == [other, placeless, sound])
    }

    @Test(
        "the place of Ansible's error is found in the words of each version",
        arguments: [
            (
                "[ERROR]: couldn't resolve module/action 'copyy'.\nOrigin: /p/roles/a/tasks/main.yml:2:3\n\n1 ---\n",
                "/p/roles/a/tasks/main.yml:2:3: error: couldn't resolve module/action 'copyy'."
            ),
            (
                "ERROR! conflicting action statements: copy, file\n\nThe error appears to be in '/p/a.yml': line 2, "
                    + "column 3, but may\nbe elsewhere",
                "/p/a.yml:2:3: error: conflicting action statements: copy, file"
            ), ("ERROR! no play\n", "/p/site.yml: error: no play"), ("", "/p/site.yml: error: no output"),
        ])
    func ansible(text: String, error: String) async throws {
        let check = self.check(OneAnswer(output: CommandOutput(status: .exited(4), standardError: text)))
        #expect(try await check.play(of: playbook("/p/site.yml")).flatMap(\.errors) == [error])
    }
}
