import FoundationEssentials
import Sandbox
import Workbench

/// One call of `ansible-playbook`: the files it needs, written into a directory of its own, and the command.
struct PlaybookRun: Sendable {
    /// Holds configuration, inventory, variables and the callback plugin; removed with the build.
    var directory: String
    var ansible: String
    var playbook: SandboxDefinition.Playbook
    var step: PlaybookStep
    var endpoint: SSHEndpoint
    var variables: [String: Variable]

    var command: Command {
        Command(
            ansible,
            [
                "--inventory", "\(directory)/inventory.ini", "--extra-vars", "@\(directory)/variables.json",
                "--tags", (step.roles + [SandboxDefinition.Playbook.tidyRole]).joined(separator: ","), playbook.file,
            ],
            environment: ["ANSIBLE_CONFIG": "\(directory)/ansible.cfg", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"])
    }

    /// The command that goes on from the role of one task, on a machine that was kept.
    ///
    /// Not from the task itself (`--start-at-task`): it may need what the tasks before it have registered.
    func command(from task: TaskResult) -> Command {
        var run = self
        run.step.roles = Array(step.roles.drop { $0 != task.role })
        return run.step.roles.isEmpty ? command : run.command
    }

    func writeFiles() throws {
        try makeDirectory("\(directory)/plugins", mode: 0o700)
        try writeAtomically(configuration, to: "\(directory)/ansible.cfg")
        try writeAtomically("[all]\n\(endpoint.alias)\n", to: "\(directory)/inventory.ini")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let json = String(decoding: try encoder.encode(variables), as: UTF8.self)
        try writeAtomically(json, to: "\(directory)/variables.json", mode: 0o600)
        let plugin = String(decoding: PackageResources.dss_events_py, as: UTF8.self)
        try writeAtomically(plugin, to: "\(directory)/plugins/dss_events.py")
    }

    /// `ansible.cfg`, so that nobody's own configuration changes a build and one variable is enough to run it by hand.
    var configuration: String {
        """
        [defaults]
        callback_plugins = \(directory)/plugins
        callbacks_enabled = dss_events
        local_tmp = \(directory)/tmp
        home = \(directory)
        retry_files_enabled = False
        host_key_checking = True
        interpreter_python = /usr/bin/python3
        nocows = True
        force_handlers = False
        timeout = 30

        [ssh_connection]
        ssh_args = -F "\(endpoint.configFile)"
        pipelining = True
        retries = 3

        """
    }
}
