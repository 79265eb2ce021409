import Sandbox
import Testing

@testable import Definition

@Suite("Invalid YAML is reported with the parser's position")
struct SyntaxTests {
    @Test(arguments: [
        ("", "1:1: error: the file is empty"),
        ("# nothing\n", "1:1: error: the file is empty"),
        ("- a\n", "1:1: error: a definition must be a mapping, found a list, for example name: data-science-sandbox"),
        (
            "name: lab\n---\nname: lab\n",
            "3:1: error: a second YAML document starts here, keep only one document in the file"
        ),
        (
            "name: a: b\n",
            "1:8: error: invalid YAML: mapping values are not allowed in this context, put a value that contains ': ' in quotes"
        ),
        (
            "disk:\n\tsize: 8GiB\n",
            "2:1: error: invalid YAML: found character that cannot start any token, indent with spaces, not tabs"
        ),
        (
            "name: @lab\n",
            "1:7: error: invalid YAML: found character that cannot start any token, put the value in quotes"
        ),
        ("name: *lab\n", "1:7: error: invalid YAML: found undefined alias"),
        (
            "disk: {size: 8GiB, size: 9GiB}\n",
            "1:8: error: duplicate key 'size' in this mapping, keep one of them"
        ),
    ])
    func `broken files`(yaml: String, mistake: String) {
        #expect(mistakes(in: source(yaml)).contains("sandbox.yaml:\(mistake)"))
    }

    @Test func `text that is not UTF-8`() {
        var broken = source("")
        broken.files.read = { _ in Array("name: lab\nversion: ".utf8) + [0xFF, 0x0A] }
        #expect(
            mistakes(in: broken) == ["sandbox.yaml:2:1: error: the line is not valid UTF-8, save the file as UTF-8"])
    }

    @Test(arguments: [
        ("[]", "1:1: error: a playbook must be a list of plays, found none, for example roles: [jupyter]"),
        ("- hosts: all\n", "1:3: error: the play has no list of roles, for example roles: [jupyter]"),
        ("- roles: [a, a]\n", "1:14: error: duplicate role 'a' in the play, keep one of them"),
        ("- roles: [a, [b]]\n", "1:14: error: a role must be a name, found a list, for example roles: [jupyter]"),
        (
            "- roles: [a]\n- roles: [b]\n",
            "2:3: error: only one play is supported, move all roles to the first play"
        ),
        (
            "- hosts: all\n  roles: [a]\n- import_playbook: more.yml\n",
            "3:3: error: 'import_playbook' is not supported, list all roles in one play"
        ),
        ("- hosts: web\n  roles: [a]\n", "1:10: error: 'hosts' must be all, found the string 'web', write hosts: all"),
        ("- hosts: [all, '!m']\n  roles: [a]\n", "1:10: error: 'hosts' must be all, found a list, write hosts: all"),
        (
            "- hosts: all\n  connection: local\n  roles: [a]\n",
            "2:15: error: 'connection' must be ssh, found the string 'local', remove it"
        ),
        (
            "- roles: [{role: a, tags: 'x, never'}]\n",
            "1:27: error: role 'a' has the tag never and would not be installed, remove the tag, or tag single tasks"
        ),
        (
            "- tags: [never]\n  roles: [a]\n",
            "1:9: error: the play has the tag never and would not be installed, remove the tag, or tag single tasks"
        ),
        (
            "- roles: [a, ../b]\n",
            "1:14: error: role '../b' not found in playbook/roles, create it there; roles in other places are not used"
        ),
        (
            "- roles: [\"{{ a }}\"]\n",
            "1:11: error: role '{{ a }}' not found in playbook/roles, create it there; roles in other places are not used"
        ),
    ])
    func `broken playbooks`(text: String, mistake: String) {
        #expect(mistakes(in: source(minimal, playbook: text)) == ["playbook/site.yml:\(mistake)"])
    }

    @Test func `a role without a folder`() {
        var broken = source(minimal)
        broken.files = .memory(
            ["/home/sandbox.yaml": minimal, "/home/playbook/site.yml": playbook],
            missing: ["/home/playbook/roles/docker"])
        #expect(
            mistakes(in: broken) == [
                "playbook/site.yml:5:7: error: role 'docker' not found in playbook/roles, create it there; roles in other places are not used"
            ])
    }

    @Test(arguments: [
        ("- roles: [a, b, c, tidy]", ["a", "b", "c"], ["b"]), ("- roles: [a, b]", ["a", "b"], ["a"]),
        ("- roles: [a]", ["a"], []), ("- roles: [tidy, b]", ["tidy", "b"], ["tidy"]),
        ("- roles: [tidy]\n  tasks: []", ["tidy"], []),
        ("- roles: [{role: a, x: 1}, {name: b}, c]", ["a", "b", "c"], ["b"]),
        (
            "- hosts: [all]\n  connection: ssh\n  tags: x\n  roles: [{role: a, tags: [x, nevermore]}]\n  tasks: []",
            ["a"], []
        ),
    ])
    func `roles and the default checkpoint`(text: String, roles: [String], checkpoints: [String]) throws {
        let playbook = try source(minimal, playbook: text).loadDefinition().definition.playbook
        #expect(playbook.roles == roles)
        #expect(playbook.checkpoints == checkpoints)
    }
}
