import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("The seal's script")
struct SealScriptTests {
    @Test("carries user and password as shell words that cannot break out")
    func quoting() throws {
        let script = try SealScript(user: "ubuntu", password: Secret("it's $(a) `b`")).text
        #expect(script.hasPrefix("dss_user=ubuntu\ndss_password='it'\\''s $(a) `b`'\n"))
    }

    @Test("refuses a password of several lines")
    func lines() {
        #expect(throws: Failure.self) { try SealScript(user: "ubuntu", password: Secret("a\nb")) }
    }

    @Test("what JupyterLab and its kernels write is removed from homes, and what roles install stays")
    func homes() async throws {
        try await withTemporaryDirectory { folder in
            let home = "\(folder)/home/alice"
            let traces = [
                ".jupyter/migrated", ".jupyter/lab/workspaces/default", ".local/share/jupyter/runtime/jpserver-1.json",
                ".local/share/jupyter/notebook_secret", ".local/share/jupyter/nbsignatures.db",
                ".ipython/profile_default/history.sqlite", ".ipython/profile_default/history.sqlite-journal",
                ".ipython/profile_default/startup/README", ".bash_history",
                "notebooks/.ipynb_checkpoints/a-checkpoint.ipynb", "notebooks/deep/.ipynb_checkpoints/b.ipynb",
            ]
            let own = [
                ".jupyter/lab/user-settings/theme", "notebooks/a.ipynb", ".local/share/jupyter/kernels/r/kernel.json",
                ".local/share/jupyter/runtime/", "env/lib/python3/site-packages/x/.ipynb_checkpoints/x.py",
                "env/lib/python3/site-packages/x/migrated",
            ]
            for name in traces + own {
                try makeDirectory(parentDirectory("\(home)/\(name)x"))
                if !name.hasSuffix("/") { try writeAtomically("x", to: "\(home)/\(name)") }
            }
            let script = try SealScript(user: "alice", password: Secret("a")).text
            let start = try #require(script.firstRange(of: "for home in /root /home/*; do\n"))
            let end = try #require(script.firstRange(of: "\n\n# Reset cloud-init"))
            let part =
                "set -eu\nfor home in \(folder)/root \(folder)/home/*; do\n"
                + script[start.upperBound..<end.lowerBound]
            let output = try await SystemCommandRunner().execute(Command("sh", ["-c", part]))
            #expect(output.status.isSuccess && output.standardError.isEmpty, "\(output.standardError)")
            let left = traces.filter { fileExists("\(home)/\($0)") }
            let gone = own.filter { !fileExists("\(home)/\($0)") }
            #expect(left == [] && gone == [])
            #expect(!fileExists("\(home)/.ipython/profile_default") && fileExists("\(home)/.ipython"))
        }
    }
}
