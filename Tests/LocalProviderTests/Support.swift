import Sandbox
import Workbench

@testable import LocalProvider

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
