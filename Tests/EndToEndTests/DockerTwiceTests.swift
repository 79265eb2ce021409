import Foundation
import Sandbox
import Testing
import Workbench

extension EndToEnd {
    /// The same inputs give the same image, whenever it is built and whatever the network says meanwhile.
    @Suite("Docker images built twice", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct DockerTwiceTests {
        @Test("two builds from nothing that hear different things instead of a clone give the same digest")
        func twice() async throws {
            try await Workspace.with { workspace in
                try await MuteServer.with(in: workspace.root) { url in
                    let few = try Self.fewRoles(in: "\(workspace.root)/few")
                    let (one, two) = try await records(
                        Workspace(root: "\(workspace.root)/few", cache: workspace.cache, definition: few), url)
                    #expect(one.layers.filter { !two.layers.contains($0) }.isEmpty, "\(two.layers)")
                    #expect(one.digest == two.digest)
                    #expect(one.missing.count == 1 && two.missing.count == 1)
                    #expect(one.missing != two.missing, "the builds did not hear different things: \(one.missing)")
                }
            }
        }

        /// A definition with this project's own clone, and nothing that takes longer: what Git says is heard there alone.
        /// - Returns: The path of its `sandbox.yaml`.
        private static func fewRoles(in folder: String) throws -> String {
            let files = FileManager.default
            try makeDirectory(folder)
            for name in ["playbook", "pins.yaml"] {
                try files.copyItem(atPath: Workspace.repository + name, toPath: "\(folder)/\(name)")
            }
            try files.createSymbolicLink(
                atPath: "\(folder)/.venv", withDestinationPath: Workspace.repository + ".venv")
            let roles = ["base", "container", "script_languages", "tidy"]
            let play = """
                - name: Clone script-languages-release
                  hosts: all
                  become: true
                  gather_facts: false
                  environment: "{{ build_environment }}"
                  roles:

                """
            try writeAtomically(
                play + roles.map { "    - \($0)\n" }.joined(),
                to: "\(folder)/playbook/site.yml")
            // An entry point that needs nothing of the other roles.
            try writeAtomically(
                """
                - name: Install the entry point
                  ansible.builtin.copy: {content: "#!/bin/sh", dest: /usr/local/sbin/dss-entrypoint, mode: "0755"}

                """, to: "\(folder)/playbook/roles/container/tasks/main.yml")
            try writeAtomically(
                "name: few-roles\nversion: 1.0.0\nplaybook: {file: playbook/site.yml, pins: pins.yaml}\n",
                to: "\(folder)/sandbox.yaml")
            return "\(folder)/sandbox.yaml"
        }

        /// What two builds side by side come to, each with a cache of its own.
        private func records(_ workspace: Workspace, _ url: String) async throws -> (
            Manifest.Container, Manifest.Container
        ) {
            async let one = record("one", workspace, url)
            async let two = record("two", workspace, url)
            return try await (one, two)
        }

        private func record(_ name: String, _ workspace: Workspace, _ url: String) async throws -> Manifest.Container {
            let folder = "\(workspace.root)/\(name)"
            let own = Workspace(root: folder, cache: "\(folder)/cache", definition: workspace.definition)
            let said = try await own.run([
                "create-docker-image", "--asset-id", "dss-e2e-\(name)", "--version", "1.0.0", "--set",
                "playbook.variables.script_languages_url=\(url)",
            ])
            try #require(said.status.isSuccess, "\(said)")
            return try #require(
                Manifest.read("\(folder)/bucket/data_science_sandbox/dss-e2e-\(name)/\(Manifest.fileName)")?.container)
        }
    }
}

/// A server that says nothing to the first who comes, and hangs up on the second.
private enum MuteServer {
    static func with(in folder: String, _ body: (String) async throws -> Void) async throws {
        let port = Int.random(in: 20000..<30000)
        let log = "\(folder)/mute.log"
        let server = try await SystemCommandRunner().start(Command("python3", ["-c", script, "\(port)"]), log: log)
        try await finally {
            while try !readText(log).contains("ready") { try await Task.sleep(for: .milliseconds(20)) }
            try await body("git://\(ScriptLanguages.hostInMachine):\(port)/script-languages-release")
        } cleanup: {
            await server.stop()
        }
    }

    private static let script = """
        import socket, sys
        server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        print("ready", flush=True)
        first, _ = server.accept()
        while True:
            server.accept()[0].close()
        """
}
