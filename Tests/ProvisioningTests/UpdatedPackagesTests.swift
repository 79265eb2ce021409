import Testing
import Workbench

@Suite("Packages that a machine has updated by itself")
struct UpdatedPackagesTests {
    @Test("newer versions are left alone; what is older, missing or removed is installed")
    func newer() async throws {
        let updated = try await updated(
            ["curl=7.88.1-10+deb12u5", "less=590-2", "git=1:2.39.5-0", "nano=7.2-1", "rsync=3.2", "tini=0.19"],
            installed: [
                "curl": "installed 7.88.1-10+deb12u15", "less": "installed 590-2", "git": "installed 1:2.39.2-1",
                "nano": "config-files 8.0-1", "tini": "installed 0.19+really",
            ])
        #expect(updated == ["curl=7.88.1-10+deb12u5", "tini=0.19"])
    }

    @Test("a machine that installs no updates by itself gets exactly the pinned versions")
    func exact() async throws {
        let updated = try await updated(["curl=1"], installed: ["curl": "installed 2"], log: "unattended-upgrades.log")
        #expect(updated == [])
    }

    @Test("a log that was rotated counts")
    func rotated() async throws {
        let log = "unattended-upgrades-dpkg.log.1.gz"
        #expect(try await updated(["curl=1"], installed: ["curl": "installed 2"], log: log) == ["curl=1"])
    }

    /// What the script of the role `apt_packages` prints.
    private func updated(
        _ wanted: [String], installed: [String: String], log: String = "unattended-upgrades-dpkg.log"
    ) async throws -> [String] {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return try await withTemporaryDirectory { folder in
            let answers = installed.map { "\($0)) printf '%s' '\($1)' ;;\n" }.sorted().joined()
            try makeDirectory("\(folder)/logs")
            try writeAtomically("", to: "\(folder)/logs/\(log)")
            try writeAtomically(
                "#!/bin/sh\nshift 2\ncase $1 in\n\(answers)*) exit 1 ;;\nesac\n", to: "\(folder)/dpkg-query",
                mode: 0o755)
            let script = "PATH=\(shellQuoted(folder)):$PATH exec sh \"$@\""
            let output = try await SystemCommandRunner().run(
                Command(
                    "sh",
                    ["-c", script, "sh", "\(root)/playbook/roles/apt_packages/files/updated.sh", "\(folder)/logs"]
                        + wanted))
            return output.split(separator: "\n").map(String.init)
        }
    }
}
