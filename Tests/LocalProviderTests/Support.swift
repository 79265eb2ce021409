import DiskImages
import Glibc
import Sandbox
import Testing
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

/// Runs `body` while there is a process whose command line is that of a virtual machine that this process has started.
func withPretendedGuest(
    _ assetID: String, _ options: [String], in folder: String, _ body: () async throws -> Void
) async throws {
    let me = try #require(BackgroundProcess(pid: getpid()))
    let name = GuestName(
        starter: "\(me.pid).\(me.startTime)", hardware: "qemu", guest: "run", assetID: assetID)
    let pipe = "\(folder)/pipe"
    try #require(mkfifo(pipe, 0o600) == 0)
    // It waits for a line that nobody writes.
    let script = #"exec -a qemu-system-x86_64 bash -c 'read -r _ <>"$0"' "$@""#
    let guest = try await SystemCommandRunner().start(
        Command("bash", ["-c", script, "bash", pipe, "-name", "\(name)"] + options), log: "\(folder)/guest.log")
    try await finally {
        while !LeftoverGuests().assets().contains(where: { $0.id.hasPrefix("\(guest.pid) ") }) {
            try #require(guest.isAlive)
            await Task.yield()
        }
        try await body()
    } cleanup: {
        await guest.stop()
    }
}
