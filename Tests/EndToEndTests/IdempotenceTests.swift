import Foundation
import LocalProvider
import Provisioning
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Definition

extension EndToEnd {
    /// The playbook on a machine that it has been run on, and that was restarted since.
    @Suite("Idempotence", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"))
    struct IdempotenceTests {
        @Test("a second run of the whole playbook changes nothing")
        func secondRun() async throws {
            try await Workspace.with { workspace in
                try await ScriptLanguages.served { url in try await Self.runTwice(in: workspace, url) }
            }
        }

        private static func runTwice(in workspace: Workspace, _ url: String) async throws {
            let scope = Scope()
            let changed = Mutex<[String]>([])
            let ran = Mutex(0)
            try await finally {
                let order = try order(url)
                let runner = SystemCommandRunner()
                let ansible = Workspace.repository + ".venv/bin/ansible-playbook"
                let provisioner = AnsibleProvisioner(runner: runner, ansible: ansible) { _, _ in [] }
                let host = await HostSettings.read(
                    environment: ProcessInfo.processInfo.environment, runner: runner)
                let provider = LocalVMProvider(
                    runner: runner,
                    factory: LocalMachineFactory(
                        runner: runner, cacheDirectory: workspace.cache,
                        stateDirectory: "\(workspace.root)/state", host: host),
                    folder: AssetFolder(
                        DirectoryStore("\(workspace.root)/bucket"), order.assetID, under: "p"),
                    stateDirectory: "\(workspace.root)/state", programDigest: "test",
                    now: { Date() })
                let build = BuildContext(order, scope)
                let counted = BuildContext(
                    order,
                    Scope(scope.undo) { event in
                        guard case .task(let task) = event else { return }
                        ran.withLock { $0 += 1 }
                        if task.status == .changed { changed.withLock { $0.append(task.name) } }
                    })
                var machine = try await provider.setUp(build)
                for step in order.definition.playbook.steps.dropFirst(machine.stepsDone) {
                    let installed = try await provisioner.install(step, on: machine, in: build)
                    machine = try await provider.keep(machine, after: step, installed, in: build)
                }
                for step in order.definition.playbook.steps {
                    _ = try await provisioner.install(step, on: machine, in: counted)
                }
            } cleanup: {
                _ = await scope.undo.unwind()
            }
            #expect(ran.withLock { $0 } > 30)
            #expect(changed.withLock { $0 } == [])
        }

        /// The build of the main job, whose steps are in the cache if that ran before.
        private static func order(_ url: String) throws -> BuildOrder {
            let source = DefinitionSource(
                file: Workspace.repository + "sandbox.yaml",
                overrides: [try Override(set: "playbook.variables.script_languages_url=\(url)")], currentDirectory: "/")
            return BuildOrder(
                assetID: try AssetID("dss-e2e-twice"), definition: try source.loadDefinition().definition,
                password: .generated(Secret("unused")), isRelease: true)
        }
    }
}
