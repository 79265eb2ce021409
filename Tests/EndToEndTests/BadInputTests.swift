import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// What goes wrong outside of `dss` gets a clear message and the right exit code, and leaves nothing behind.
    @Suite("Bad input")
    struct BadInputTests {
        @Test("all mistakes in the definition are shown with their places, and nothing is started")
        func brokenDefinition() async throws {
            try await with(SmallSandbox(extraLines: "portz: {}\nuser: {name: root}\n")) { workspace in
                let output = try await workspace.run(["definition"])
                #expect(output.status == .exited(65))
                #expect(output.standardError.contains(":6:1: "), "\(output.standardError)")
                #expect(output.standardError.contains(":7:14: "), "\(output.standardError)")
            }
        }

        @Test("an unknown option is a usage error")
        func unknownOption() async throws {
            try await with(SmallSandbox()) { workspace in
                let output = try await workspace.run(["create-vm", "--colour"])
                #expect(output.status == .exited(64))
            }
        }

        @Test("without root, create-vm says so", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func noRoot() async throws {
            try await with(SmallSandbox()) { workspace in
                // As nobody, and with the binary where nobody can read it.
                let copy = "/tmp/dss-\(getpid())"
                try FileManager.default.copyItem(atPath: workspace.dss, toPath: copy)
                defer { try? FileManager.default.removeItem(atPath: copy) }
                let command = Command(
                    "setpriv", ["--reuid=65534", "--clear-groups", copy, "create-vm"], workingDirectory: "/")
                let output = try await SystemCommandRunner().execute(command)
                #expect(output.status == .exited(77))
                #expect(output.standardError.contains("\(copy) create-vm\n"), "\(output.standardError)")
            }
        }

        @Test("a playbook that cannot be parsed", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func brokenPlaybook() async throws {
            try await with(SmallSandbox(roles: ["first": "- ansible.builtin.copy: {nonsense\n"])) { workspace in
                let output = try await workspace.run(["create-vm"])
                #expect(output.status == .exited(65), "\(output)")
                #expect(output.standardError.contains("main.yml"))
                try await expectClean(workspace)
            }
        }

        @Test(
            "a task that fails names module, message and how to go on",
            .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func failingTask() async throws {
            let role = "- name: Break\n  ansible.builtin.fail: {msg: on purpose}\n"
            try await with(SmallSandbox(roles: ["first": role])) { workspace in
                let output = try await workspace.run(["create-vm"])
                #expect(output.status == .exited(1), "\(output)")
                for text in ["Break", "ansible.builtin.fail", "on purpose", "--keep-on-failure"] {
                    #expect(output.standardError.contains(text), "\(text)")
                }
                let logs = "\(workspace.root)/state/failures/e2e"
                #expect(output.standardError.contains(logs))
                #expect(try readText("\(logs)/ansible.log").contains("on purpose"))
                #expect(try readText("\(logs)/journal.log").contains("sshd"))
                try await expectClean(workspace)
            }
        }

        @Test(
            "a machine that was kept is looked into, mended by hand and resumed, and ends in an image",
            .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func keepOnFailure() async throws {
            let role = "- name: Break\n  ansible.builtin.command: test -e /etc/mended\n  changed_when: false\n"
            try await with(SmallSandbox(roles: ["first": role])) { workspace in
                let output = try await workspace.run(["create-vm", "--keep-on-failure"])
                #expect(output.status == .exited(1), "\(output)")
                for command in ["shell e2e", "create-vm --resume", "delete-assets --leftovers"] {
                    #expect(output.standardError.contains("dss \(command)"), "\(output)")
                }
                let second = try await workspace.run(["create-vm"])
                #expect(second.status == .exited(75) && second.standardError.contains("was kept"), "\(second)")
                let looked = try await workspace.run(["shell", "e2e", "--", "sh", "-c", "touch /etc/mended; exit 7"])
                #expect(looked.status == .exited(7), "\(looked)")
                let resumed = try await workspace.run(["create-vm", "--resume"])
                #expect(resumed.status.isSuccess && resumed.standardError.contains("not cached"), "\(resumed)")
                #expect(
                    workspace.bucketFiles.contains { $0.hasSuffix("e2e/small-e2e.raw") }, "\(workspace.bucketFiles)")
                #expect(!fileExists("\(workspace.root)/state/failures/e2e"))
                try await expectClean(workspace)
            }
        }

        @Test(
            "a package version that is gone names the available one",
            .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func goneVersion() async throws {
            let role = "- name: Install rsync\n  ansible.builtin.apt: {name: rsync=0.0.1, update_cache: true}\n"
            try await with(SmallSandbox(roles: ["first": role])) { workspace in
                let folder = URL(filePath: workspace.definition).deletingLastPathComponent().path()
                let pins = try readText("\(folder)/pins.yaml")
                try writeAtomically(
                    pins.replacing("apt: {}", with: "apt:\n  rsync: \"0.0.1\""), to: "\(folder)/pins.yaml")
                let output = try await workspace.run(["create-vm"])
                #expect(output.status == .exited(65), "\(output)")
                #expect(output.standardError.contains("apt rsync 0.0.1 is no longer available; newest version: "))
                #expect(output.standardError.contains("dss pins update"))
                try await expectClean(workspace)
            }
        }

        @Test("no network: the mirror that cannot be reached", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func noNetwork() async throws {
            try await with(SmallSandbox(extraLines: "base: {mirror: 'http://127.0.0.1:9/debian'}\n")) { workspace in
                let output = try await workspace.run(["create-vm", "--no-cache"])
                #expect(output.status == .exited(69), "\(output)")
                #expect(output.standardError.contains("127.0.0.1"))
                try await expectClean(workspace)
            }
        }

        @Test("a file in the way stays where it is", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func fileInTheWay() async throws {
            try await with(SmallSandbox()) { workspace in
                let folder = "\(workspace.root)/bucket/data_science_sandbox/e2e"
                try makeDirectory(folder)
                try writeAtomically("mine", to: "\(folder)/small-e2e.raw")
                let output = try await workspace.run(["create-vm"])
                #expect(output.status == .exited(65), "\(output)")
                #expect(output.standardError.contains("small-e2e.raw"))
                #expect(try readText("\(folder)/small-e2e.raw") == "mine")
            }
        }

        @Test("a disk that is full", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func diskFull() async throws {
            try await with(SmallSandbox()) { workspace in
                let bucket = "\(workspace.root)/bucket"
                try makeDirectory(bucket)
                let runner = SystemCommandRunner()
                try await runner.run(Command("mount", ["-t", "tmpfs", "-o", "size=40M", "tmpfs", bucket]))
                try await finally {
                    let output = try await workspace.run(["create-vm"])
                    #expect(output.status == .exited(75), "\(output)")
                    #expect(
                        output.standardError.lowercased().contains("no space") || output.standardError.contains("full"))
                    #expect(workspace.bucketFiles.isEmpty)
                } cleanup: {
                    _ = try? await runner.execute(Command("umount", [bucket]))
                }
                try await expectClean(workspace)
            }
        }

        @Test(
            "a second build of the same asset id is refused and names the first",
            .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
        func twoBuilds() async throws {
            let role = "- name: Wait\n  ansible.builtin.command: sleep 12\n  changed_when: false\n"
            try await with(SmallSandbox(roles: ["first": role])) { workspace in
                async let first = workspace.run(["create-vm"])
                while try await !workspace.run(["show-assets", "--asset-id", "e2e", "--json"]).standardOutput
                    .contains("in-use")
                {
                    try await Task.sleep(for: .milliseconds(200))
                }
                let second = try await workspace.run(["create-vm"])
                #expect(second.status == .exited(75), "\(second)")
                #expect(second.standardError.contains(/process \d+/))
                let removal = try await workspace.run(["delete-assets", "--asset-id", "e2e", "--yes"])
                #expect(removal.status == .exited(75), "\(removal)")
                let result = try await first
                #expect(result.status.isSuccess, "\(result)")
                try await expectClean(workspace)
            }
        }

        @Test(
            "a damaged cache entry is noticed and built again", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)")
        )
        func damagedCache() async throws {
            // A file of a name that no other build has, so that only this test's layer of the shared cache is damaged.
            let name = "damaged-\(UInt32.random(in: 0 ... .max))"
            let role =
                "- name: Write a file\n  ansible.builtin.copy: {content: one, dest: /etc/\(name), mode: '0644'}\n"
            try await with(SmallSandbox(roles: ["first": role, "last": "[]\n"])) { workspace in
                let first = try await workspace.run(["create-vm"])
                #expect(first.status.isSuccess, "\(first)")
                let damaged = try await SystemCommandRunner().run(
                    Command("sh", ["-c", "ls \(workspace.cache)/layers/*/etc/\(name)"])
                ).trimmedLine
                try writeAtomically("damaged", to: damaged)
                try removeFile("\(workspace.root)/bucket/data_science_sandbox/e2e/manifest.json")
                try removeFile("\(workspace.root)/bucket/data_science_sandbox/e2e/small-e2e.raw")
                let second = try await workspace.run(["create-vm"])
                #expect(second.status.isSuccess, "\(second)")
                #expect(second.standardError.contains("warning"), "\(second)")
                #expect(try readText(damaged) == "one")
            }
        }

        private func with(_ sandbox: SmallSandbox, _ body: (Workspace) async throws -> Void) async throws {
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                try await Workspace.with(definition: sandbox.write(to: folder), body)
            }
        }

        private func expectClean(_ workspace: Workspace) async throws {
            let traces = try await workspace.traces()
            #expect(traces.isEmpty)
        }
    }
}
