import Sandbox
import Workbench

@testable import LocalProvider

/// Calls `body` with a new tmpfs; prints a line instead where none can be mounted, as in a container.
func withTmpfs(_ options: String, _ body: (String) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
        let runner = SystemCommandRunner()
        let mounted = try await runner.execute(Command("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]))
        guard mounted.status.isSuccess else { return print("skipped: no tmpfs can be mounted here") }
        try await finally {
            try await body(folder)
        } cleanup: {
            _ = try? await runner.run(Command("umount", ["--lazy", folder]))
        }
    }
}

/// A playbook of two roles in a folder, and an order for it.
struct Fixture {
    let folder: String
    var definition: SandboxDefinition

    init(_ folder: String) throws {
        self.folder = folder
        for role in ["first", "last", "helper"] {
            try makeDirectory("\(folder)/roles/\(role)/tasks")
            try writeAtomically("tasks of \(role)", to: "\(folder)/roles/\(role)/tasks/main.yml")
        }
        try writeAtomically("play", to: "\(folder)/site.yml")
        try writeAtomically("pins", to: "\(folder)/../pins.yaml")
        definition = SandboxDefinition(
            name: "small", version: "1.0",
            playbook: .init(
                file: "\(folder)/site.yml", pins: "\(folder)/../pins.yaml", roles: ["first", "last"],
                checkpoints: ["first"]),
            formats: [.raw])
    }

    func order(_ id: String = "1.0", password: DefaultPassword = .given(Secret("one")), isRelease: Bool = false)
        throws -> BuildOrder
    {
        BuildOrder(assetID: try AssetID(id), definition: definition, password: password, isRelease: isRelease)
    }

    static func with(_ body: (Fixture) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/playbook")
            try await body(Fixture("\(directory)/playbook"))
        }
    }
}
