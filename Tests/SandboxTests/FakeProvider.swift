@testable import Sandbox

/// A provider and provisioner that only write down what they were asked for, and fail where they are told to.
struct FakeProvider: VMProvider, Provisioner {
    struct Machine: BuildMachine {
        var endpoint = SSHEndpoint(configFile: "/c", alias: "fake")
        var stepsDone = 0
        var buildEnvironment: [String: String] = [:]
        var missing: [MissingComponent] = []
        var isSealed = false
    }

    let name = "fake"
    var record = Record()
    var machine = Machine()
    var finished: FinishedBuild?
    /// The image of an earlier run.
    var captured: String?
    /// Why nothing can be built.
    var refusal: Failure?
    /// The call that fails: `set up`, `install base`, `seal`, …
    var failing: String?
    /// The call in which the build waits until it is cancelled.
    var hanging: String?
    /// The resource that cannot be removed.
    var sticking: String?

    func finished(_ order: BuildOrder) async throws -> FinishedBuild? {
        record.add("look")
        return finished
    }

    func requireBuildable(_ order: BuildOrder) async throws {
        if let refusal { throw refusal }
    }

    func captured(in build: BuildContext) async throws -> Captured<String>? {
        captured.map { Captured($0, missing: []) }
    }

    func setUp(_ build: BuildContext) async throws -> Machine {
        await create("lock", build.scope.undo, isKeepable: false)
        await create("machine", build.scope.undo, isKeepable: true)
        try await call("set up")
        return machine
    }

    func hintsOnKept(_ machine: Machine, of order: BuildOrder) -> [String] {
        ["the machine was kept, reach it with: \(machine.endpoint.commandLine)", "remove it with: rm"]
    }

    func keep(
        _ machine: Machine, after step: PlaybookStep, _ installed: InstalledStep, in build: BuildContext
    ) async throws -> Machine {
        try await call("keep \(step.index)")
        return machine
    }

    func capture(_ machine: Machine, missing: [MissingComponent], in build: BuildContext) async throws -> String {
        await create("disk", build.scope.undo, isKeepable: false)
        try await call("capture")
        return "raw"
    }

    func export(_ image: String, missing: [MissingComponent], in build: BuildContext) async throws -> [Artifact] {
        try await call("export \(image)")
        return [artifact]
    }

    func install(
        _ step: PlaybookStep, on machine: some BuildMachine, in build: BuildContext
    ) async throws -> InstalledStep {
        try await call("install \(step.roles.joined(separator: "+"))")
        let lost = MissingComponent(component: "lost", reason: "no network")
        return InstalledStep(missing: machine.missing + (step.roles.contains("lost") ? [lost] : []))
    }

    func seal(_ machine: some BuildMachine, in build: BuildContext) async throws {
        try await call("seal")
    }

    private func create(_ resource: String, _ undo: Undo, isKeepable: Bool) async {
        await undo.register(resource, remedy: "rm \(resource)", isKeepable: isKeepable) {
            // Clean-up must not inherit the cancellation of the build, or nothing in it could wait.
            try Task.checkCancellation()
            if resource == sticking { throw Failure(.failed, "busy") }
            record.add("remove \(resource)")
        }
    }

    private func call(_ name: String) async throws {
        record.add(name)
        if name == failing { throw Failure(.failed, "\(name) failed") }
        if name == hanging { try await Task.sleep(for: .seconds(600)) }
    }
}

let artifact = Artifact(format: .vhd, location: "/b/x.vhd", bytes: 1, sha256: "00")

func order(
    roles: [String] = ["base", "jupyter"], usesCache: Bool = true, setsNewPassword: Bool = false, keeps: Bool = false
) throws -> BuildOrder {
    BuildOrder(
        assetID: try AssetID("1"),
        definition: SandboxDefinition(
            name: "lab", version: "1",
            playbook: .init(file: "/p", pins: "/q", roles: roles, checkpoints: Array(roles.prefix(1)))),
        password: .generated(Secret("x")), usesCache: usesCache, setsNewPassword: setsNewPassword,
        keepsMachineOnFailure: keeps)
}
