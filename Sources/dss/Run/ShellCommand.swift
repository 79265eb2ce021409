import ArgumentParser
import Definition
import LocalProvider
import Provisioning
import Sandbox
import Workbench

/// `dss shell`
struct ShellCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "Open a shell in a kept machine or in a copy of a finished one",
        discussion: """
            Runs a shell, or a command, as root in the machine that 'dss create-vm --keep-on-failure' kept. What is \
            changed there is part of the image that 'dss create-vm --resume' builds.

            If no machine was kept and the build is finished, starts a copy of its machine from the cache: the system \
            after the last step of the playbook, before it is sealed. The copy is removed at the end.

            Exits with the exit code of the shell or the command.

            Examples:
              sudo dss shell
              sudo dss shell 0.1.0
              sudo dss shell 0.1.0 -- journalctl --no-pager --lines 50
            """)

    @Argument(help: ArgumentHelp("Asset id of the build (default: the version in the definition)", valueName: "id"))
    var assetID: String?

    @Argument(parsing: .postTerminator, help: ArgumentHelp("Command to run instead of a shell", valueName: "command"))
    var command: [String] = []

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    var needsRoot: Bool { true }

    func run(in live: Live) async throws {
        let id = try assetID.map { try AssetID($0) } ?? live.loaded(definition).definition.definition.defaultAssetID
        let factory = try await live.factory(place)
        let isTerminal = live.keyboard.isTerminal && live.standardOutput.isTerminal
        if let status = try await factory.shell(command, inKept: id, isTerminal: isTerminal) {
            return try end(with: status)
        }
        guard let manifest = try await live.folder(id, live.names(definition), place).manifest(),
            !manifest.files.isEmpty
        else {
            throw Failure(
                .badData, "no machine of '\(id)' was kept, and there is no finished build of '\(id)'",
                advice:
                    "to keep the machine of a build that fails: sudo dss create-vm --keep-on-failure --asset-id \(shellQuoted(id.rawValue))"
            )
        }
        let order = BuildOrder(
            assetID: id, definition: try live.loaded(definition).definition.definition, password: nil)
        let plan = MachinePlan(order, try BuildInputs(order))
        let line = ActivityLine(live)
        let status = try await factory.shell(command, inCopyOf: plan, of: manifest, isTerminal: isTerminal) { event in
            guard case .notice(let text) = event else { return line.sink(event) }
            line.clear()
            live.standardError.write("note: \(text)\n")
        }
        try end(with: status)
    }

    private func end(with status: ExitStatus) throws {
        switch status {
        case .exited(0): return
        case .exited(let code): throw ExitCode(code)
        // As a shell reports a command that a signal ended.
        case .signaled(let signal): throw ExitCode(128 + signal)
        }
    }
}
