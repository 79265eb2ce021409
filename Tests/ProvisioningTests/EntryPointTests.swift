import Glibc
import Testing
import Workbench

@testable import Provisioning

@Suite("The entry point of a container", .enabled(if: geteuid() == 0, "needs root to become another user"))
struct EntryPointTests {
    /// What a container may find, as commands in its root folder, and what it says. Each starts, or ends with a sentence.
    static let places: [(name: String, prepare: String, variables: [String: String], said: String, starts: Bool)] = [
        ("its own folders", "chown -R 12345:0 home", [:], "", true),
        (
            "folders of another user", "", [:],
            "dss: ROOT/home/notebooks cannot be written: it belongs to user 0:0, but JupyterLab runs as user 12345:0",
            true
        ),
        (
            "a folder without the right to write", "chown -R 12345:0 home; chmod 500 home/notebooks", [:],
            "dss: ROOT/home/notebooks cannot be written: it is mounted read-only, or its mode does not allow it", true
        ),
        (
            "a file instead of the folder", "chown 12345:0 home; rmdir home/notebooks; touch home/notebooks", [:],
            "dss: ROOT/home/notebooks cannot be written: it is not a folder, or a volume for the folder above it hides it",
            true
        ),
        (
            "an empty home directory", "chown 12345:0 home; rm -r home/*", [:],
            "dss: ROOT/home/env is missing: mount volumes at ROOT/home/notebooks and at ROOT/home/env, and none at ROOT/home",
            true
        ),
        (
            "nothing that can be written", "chmod 755 tmp", [:],
            "dss: neither ROOT/home nor ROOT/tmp can be written by user 12345:0: add --tmpfs ROOT/tmp:exec", false
        ),
        (
            "no secret", "chown -R 12345:0 home", ["JUPYTER_PASSWORD_FILE": "/nonexistent"],
            "dss: JUPYTER_PASSWORD_FILE must name a file that user 12345:0 can read; it is '/nonexistent'", false
        ),
        (
            "a secret of root", "chown -R 12345:0 home; echo x >secret; chmod 600 secret",
            ["JUPYTER_PASSWORD_FILE": "ROOT/secret"],
            "dss: JUPYTER_PASSWORD_FILE must name a file that user 12345:0 can read; it is 'ROOT/secret'", false
        ),
        (
            "a secret that nobody can type", "chown -R 12345:0 home; printf 'a\\0b' >secret",
            ["JUPYTER_PASSWORD_FILE": "ROOT/secret"], "dss: ROOT/secret contains a control character", false
        ),
        (
            "a secret of Latin letters", "chown -R 12345:0 home; printf 'p\\344ss' >secret",
            ["JUPYTER_PASSWORD_FILE": "ROOT/secret"], "dss: ROOT/secret is not UTF-8 text", false
        ),
        (
            "a device in place of a secret", "chown -R 12345:0 home", ["JUPYTER_PASSWORD_FILE": "/dev/zero"],
            "dss: /dev/zero has more than 4096 bytes", false
        ),
        (
            "a token with a mark in front of it", "chown -R 12345:0 home", ["JUPYTER_TOKEN": "\u{FEFF}token"],
            "dss: JUPYTER_TOKEN contains a control character", false
        ),
        (
            "settings for root only", "chown -R 12345:0 home", ["NB_UID": "7"],
            "dss: NB_UID and NB_GID have no effect, because the container does not start as root", true
        ),
    ]

    @Test("starts as any user, or says in one sentence what it needs", arguments: places)
    func start(
        _ row: (name: String, prepare: String, variables: [String: String], said: String, starts: Bool)
    ) async throws {
        try await withTemporaryDirectory { folder in
            chmod(folder, 0o755)
            let here = { (text: String) in text.replacing("ROOT", with: folder) }
            for path in ["home/notebooks", "home/env/bin", "jupyter/bin", "lib", "defaults", "tmp"] {
                try makeDirectory("\(folder)/\(path)")
            }
            chmod("\(folder)/tmp", 0o1777)
            #expect(symlink("/usr/bin/python3", "\(folder)/home/env/bin/python") == 0)
            let programs = [
                "jupyter/bin/jupyter": "#!/bin/sh\necho \"started as $(id -u):$(id -g)\"\n",
                "lib/deliver-notebooks": "#!/bin/sh\n", "entrypoint": try template(in: folder),
            ]
            for (path, text) in programs { try writeAtomically(text, to: "\(folder)/\(path)", mode: 0o755) }
            let runner = SystemCommandRunner()
            try await runner.run(Command("sh", ["-e", "-c", "umask 022; \(row.prepare)"], workingDirectory: folder))
            let output = try await runner.execute(
                Command(
                    "setpriv",
                    ["--reuid=12345", "--regid=0", "--clear-groups", "sh", "\(folder)/entrypoint"],
                    environment: row.variables.mapValues(here)))
            #expect(output.status.isSuccess == row.starts, "\(row.name): \(output)")
            #expect(output.standardOutput == (row.starts ? "started as 12345:0\n" : ""))
            #expect(output.standardError.trimmedLine == here(row.said), "\(row.name)")
        }
    }

    @Test(
        "a password is the first line of its file, without what an editor adds",
        arguments: ["pass word", "pass word\n", "\u{FEFF}pass word\r\nmore\r\n"])
    func password(text: String) async throws {
        try await withTemporaryDirectory { folder in
            for path in ["lib", "tmp"] { try makeDirectory("\(folder)/\(path)", mode: 0o777) }
            chmod(folder, 0o777)
            let program = "#!/bin/sh\n[ \"$1\" = set-password ] && cat >\(folder)/given\nexit 7\n"
            try writeAtomically(program, to: "\(folder)/lib/jupyter-access", mode: 0o755)
            try writeAtomically(try template(in: folder), to: "\(folder)/entrypoint", mode: 0o755)
            try writeAtomically(text, to: "\(folder)/secret")
            let output = try await SystemCommandRunner().execute(
                Command(
                    "setpriv", ["--reuid=12345", "--regid=0", "--clear-groups", "sh", "\(folder)/entrypoint"],
                    environment: ["JUPYTER_PASSWORD_FILE": "\(folder)/secret"]))
            #expect(output.status == .exited(7), "\(output)")
            #expect(try readText("\(folder)/given") == "pass word\n")
        }
    }

    /// The ids stay as they are: without a list of users, the program ends before it changes anything.
    @Test(
        "no other name of 0 is a user id, and an id is decimal",
        arguments: [
            ("00", "5", false), ("000", "5", false), ("+0", "5", false), ("0x0", "5", false), ("5:0", "5", false),
            ("5", "+0", false), ("5", "0:0", false), ("0\n5", "5", false), ("4294967294", "5", false),
            ("99999999999", "5", false), ("1000", "0100", true), ("00001000", "00", true), ("4294967293", "0", true),
        ])
    func ids(user: String, group: String, isAccepted: Bool) async throws {
        try await withTemporaryDirectory { folder in
            let text = try template(in: folder).replacing("/etc/passwd", with: "\(folder)/none")
            try writeAtomically(text, to: "\(folder)/entrypoint", mode: 0o755)
            let output = try await SystemCommandRunner().execute(
                Command("sh", ["\(folder)/entrypoint"], environment: ["NB_UID": user, "NB_GID": group]))
            let said =
                isAccepted
                ? "NB_UID and NB_GID need a root file system that can be written: omit --read-only"
                : "NB_UID must be a number greater than 0, and NB_GID a number; they are '\(user)' and '\(group)'"
            #expect(output.status == .exited(1))
            #expect(output.standardError.contains("dss: \(said)"), "\(output.standardError)")
        }
    }

    /// The entry point for a container whose root is a folder.
    private func template(in folder: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        var text = try readText("\(root)/playbook/roles/container/templates/entrypoint.j2")
        let values = [
            // First, because the folder may be in there.
            ("/tmp", "\(folder)/tmp"), ("/usr/local/lib/dss", "\(folder)/lib"),
            ("/var/run/docker.sock", "\(folder)/none"),
            ("/usr/local/share/dss/notebooks", "\(folder)/defaults"), ("{{ sandbox_user | quote }}", "root"),
            ("{{ sandbox_home | quote }}", "\(folder)/home"),
            ("{{ jupyter_notebooks | quote }}", "\(folder)/home/notebooks"),
            ("{{ kernel_env | quote }}", "\(folder)/home/env"), ("{{ jupyter_env | quote }}", "\(folder)/jupyter"),
        ]
        for (place, value) in values { text = text.replacing(place, with: value) }
        return text
    }
}
