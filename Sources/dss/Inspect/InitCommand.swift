import ArgumentParser
import Provisioning
import Sandbox
import Workbench

/// `dss init`
struct InitCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create the definition of a sandbox of your own",
        discussion: """
            Copies the sandbox that comes with this program: sandbox.yaml, pins.yaml and the playbook. Adds the role \
            'mytools', with a Debian package and a file, and a notebook. Refuses to overwrite files.

            Examples:
              dss init my-sandbox && cd my-sandbox && dss check
              dss init my-sandbox --from /opt/data-science-sandbox
            """)

    @Argument(help: ArgumentHelp("Folder to create the files in", valueName: "folder"), completion: .directory)
    var folder = "."

    @Option(
        help: ArgumentHelp(
            "Folder of the sandbox to copy (default: the one that comes with this program)", valueName: "folder"),
        completion: .directory)
    var from: String?

    func run(in live: Live) async throws {
        guard let origin = from.map(live.absolute) ?? ProgramFolder.path else {
            throw Failure(
                .badData, "this program was moved away from its playbook",
                advice: "name the folder of a sandbox to copy: --from FOLDER")
        }
        let path = folder == "." ? live.currentDirectory : live.absolute(folder)
        try StarterSandbox(from: origin, in: path).write()
        let enter = folder == "." ? "" : "cd \(shellQuoted(folder)) && "
        // A relative path would not lead to the program from the new folder.
        let isPath = live.invocation.program.contains("/")
        let called = Invocation(
            program: isPath ? live.absolute(live.invocation.program) : live.invocation.program,
            sudo: live.invocation.sudo)
        live.standardOutput.write(
            """
            created a sandbox with the role mytools in \(live.shown(path))
            next: \(enter)\(called.spelled("dss check")) && \(called.spelled("sudo dss create-vm"))

            """)
    }
}
