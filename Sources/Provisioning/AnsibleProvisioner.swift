import FoundationEssentials
import Sandbox
import Synchronization
import Workbench

/// Installs with Ansible over SSH and seals with a script over SSH, in the same way on every provider.
package struct AnsibleProvisioner: Provisioner {
    private let runner: any CommandRunner
    /// The `ansible-playbook` command to run: a path or a name in PATH.
    private let ansible: String
    /// Finds the pinned versions that are no longer available; called after a failed installation was shown.
    private let gone: @Sendable (SandboxDefinition, SuspectedPins) async throws -> [PinStatus]
    /// Pauses before each attempt to reconnect to an unreachable machine; empty if it cannot come back.
    private let reconnectPauses: [Duration]

    package init(
        runner: any CommandRunner, ansible: String, reconnectPauses: [Duration] = [],
        gone: @escaping @Sendable (SandboxDefinition, SuspectedPins) async throws -> [PinStatus]
    ) {
        self.runner = runner
        self.ansible = ansible
        self.reconnectPauses = reconnectPauses
        self.gone = gone
    }

    package func install(
        _ step: PlaybookStep, on machine: some BuildMachine, in build: BuildContext
    ) async throws -> InstalledStep {
        let order = build.order
        let playbookRun = PlaybookRun(
            directory: parentDirectory(machine.endpoint.configFile) + "/ansible", ansible: ansible,
            playbook: order.definition.playbook, step: step, endpoint: machine.endpoint,
            variables: Self.variables(for: order, on: machine), privateVariables: machine.privateVariables,
            isVerbose: order.isVerbose)
        try playbookRun.writeFiles()
        var command = playbookRun.command
        var lost: [String] = []
        while true {
            let watch = TaskMonitor(events: build.scope.events, isVerbose: order.isVerbose)
            let output = try await runner.execute(command) { stream, line in
                // A task that Ctrl-C ends did not fail.
                if !Task.isCancelled { watch.heard(stream, line) }
            }
            try Task.checkCancellation()
            if output.status.isSuccess {
                if let failure = watch.account.failure(of: playbookRun, output) {
                    try playbookRun.save(output)
                    throw failure
                }
                return InstalledStep(
                    missing: try await missingComponents(on: machine.endpoint), reads: try playbookRun.reads())
            }
            try playbookRun.save(output)
            // A machine that becomes unreachable three times in the same task has a permanent problem.
            guard let task = watch.failedTask, task.status == .unreachable, lost.count(where: { $0 == task.name }) < 2,
                try await answersAgain(machine.endpoint)
            else { throw failure(order, output, watch.failedTask) }
            lost.append(task.name)
            build.scope.warning("lost the connection in task '\(task.name)'; resuming from its role")
            command = playbookRun.command(from: task)
        }
    }

    /// Tries to log in until the machine answers again.
    /// - Returns: `false` if it does not answer after the last pause.
    private func answersAgain(_ endpoint: SSHEndpoint) async throws -> Bool {
        for pause in reconnectPauses {
            try await Task.sleep(for: pause)
            let answer = try await runner.execute(
                .ssh(config: endpoint.configFile, alias: endpoint.alias, script: "true"))
            if answer.status.isSuccess { return true }
        }
        return false
    }

    package func seal(_ machine: some BuildMachine, in build: BuildContext) async throws {
        guard let password = build.order.password?.secret else {
            throw Failure(.bug, "a machine is to be sealed without a default password")
        }
        build.scope.progress(.seal, Progress("setting the default password, removing traces of the build"))
        let script = try SealScript(user: build.definition.user.name, password: password).text
        let command = Command.ssh(
            config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: script, asRoot: true)
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            let lines = output.standardError.split(separator: "\n").suffix(10).map(String.init)
            throw Failure(.failed, "failed to seal the machine (\(output.status))", details: lines)
        }
    }

    /// The playbook variables: those of the definition, plus the ones that every role may rely on.
    static func variables(for order: BuildOrder, on machine: some BuildMachine) -> [String: Variable] {
        variables(
            of: order.definition, order.edition, isRelease: order.isRelease, environment: machine.buildEnvironment)
    }

    /// The names of these variables.
    package static func variableNames(of definition: SandboxDefinition) -> [String] {
        variables(of: definition, .vm, isRelease: false, environment: [:]).keys.sorted()
    }

    private static func variables(
        of definition: SandboxDefinition, _ edition: Edition, isRelease: Bool, environment: [String: String]
    ) -> [String: Variable] {
        var variables = definition.playbook.variables
        variables["sandbox_user"] = .string(definition.user.name)
        variables["jupyter_port"] = .integer(definition.ports.jupyter)
        variables["edition"] = .string(edition.rawValue)
        variables["pins_file"] = .string(definition.playbook.pins)
        variables["script_languages_required"] = .boolean(isRelease)
        variables["build_environment"] = .map(environment.mapValues { .string($0) })
        return variables
    }

    /// Reads which components the roles could not install.
    ///
    /// Roles write a notice to the image. Next to the logs, they write the same notice with the original error
    /// messages, which are more detailed and are not kept in the image.
    private func missingComponents(on endpoint: SSHEndpoint) async throws -> [MissingComponent] {
        let script =
            "cat /var/log/dss-missing.json 2>/dev/null || cat /usr/local/share/dss/missing.json 2>/dev/null || echo '[]'"
        let json = try await runner.run(
            .ssh(config: endpoint.configFile, alias: endpoint.alias, script: script, asRoot: true))
        return try JSONDecoder().decode([MissingComponent].self, from: Data(json.withoutCredentials.utf8))
    }

    private func failure(
        _ order: BuildOrder, _ output: CommandOutput, _ task: TaskResult?
    ) -> Failure {
        guard let task else {
            // Ansible prints its error between its warnings and the tasks that it has run.
            let errors = PlaybookRun.ownErrors(output).drop { !$0.hasPrefix("[ERROR]:") && !$0.hasPrefix("ERROR!") }
            let lines =
                errors.isEmpty
                ? PlaybookRun.lastLines(output) : errors.prefix(12).map { String($0).withoutCredentials }
            return Failure(
                .badData, "Ansible could not run the playbook \(order.definition.playbook.file)", details: lines,
                advice: "correct it, then: dss check")
        }
        var details = ["module: \(task.module ?? "unknown")"]
        details += (task.message ?? "").split(whereSeparator: \.isNewline).map(String.init)
        let isDiskFull = Self.isDiskFull(details)
        var failure = Failure(
            task.status == .unreachable || isDiskFull ? .temporary : .failed,
            "task '\(task.name)'\(task.role.map { " of role \($0)" } ?? "") failed", details: details,
            advice: order.keepsMachineOnFailure ? nil : "to look into the machine, add --keep-on-failure")
        if !isDiskFull, let suspects = SuspectedPins(task) {
            failure.inquiry = { [gone] in Self.explanation((try? await gone(order.definition, suspects)) ?? []) }
        }
        return failure
    }

    /// Whether the file system of the machine is full, in the words of its programs or of the playbook.
    private static func isDiskFull(_ details: [String]) -> Bool {
        details.contains { $0.contains("No space left on device") || $0.contains("the file system is full") }
    }

    /// The failure that explains a failed installation; `nil` if its pins are all available.
    private static func explanation(_ gone: [PinStatus]) -> Failure? {
        guard !gone.isEmpty else { return nil }
        let outdated = gone.filter { $0.state == .gone }.map(\.name)
        return Failure(
            .badData, "the task failed because pinned versions are not available", details: gone.map(\.sentence),
            advice: outdated.isEmpty ? nil : "dss pins update \(outdated.joined(separator: " "))")
    }
}

/// One run of `ansible-playbook`: the files it needs, in a dedicated directory, and the command.
struct PlaybookRun: Sendable {
    /// The directory for configuration, inventory, variables and the plugins; removed with the build.
    var directory: String
    var ansible: String
    var playbook: SandboxDefinition.Playbook
    var step: PlaybookStep
    var endpoint: SSHEndpoint
    var variables: [String: Variable]
    /// Names of the variables of a login that tasks of other users than root get as well.
    var privateVariables: [String] = []
    /// Whether Ansible prints the result of each task, with the output of its program.
    var isVerbose = false

    var command: Command {
        Command(
            ansible,
            [
                "--inventory", "\(directory)/inventory.ini", "--extra-vars", "@\(directory)/variables.json",
                playbook.file,
            ] + (isVerbose ? ["--verbose"] : []),
            environment: [
                "ANSIBLE_CONFIG": "\(directory)/ansible.cfg", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1",
                // Options of the plugin dss_step.
                "ANSIBLE_DSS_ROLES": step.roles.joined(separator: ","),
                "ANSIBLE_DSS_TASKS": step.includesTasks ? "yes" : "no",
                // Variables of the user that would override the configuration and leave out tasks, or use roles that
                // are not part of the cache key.
                "ANSIBLE_RUN_TAGS": nil, "ANSIBLE_SKIP_TAGS": nil, "ANSIBLE_ROLES_PATH": nil,
                "ANSIBLE_COLLECTIONS_PATH": nil,
            ])
    }

    /// The command that resumes from the role of a task, on a machine that was kept.
    ///
    /// It does not resume from the task itself (`--start-at-task`), which may need variables that earlier tasks
    /// registered.
    func command(from task: TaskResult) -> Command {
        var run = self
        run.step.roles = Array(step.roles.drop { $0 != task.role })
        return run.step.roles.isEmpty ? command : run.command
    }

    /// Saves the output of a failed run beside its configuration.
    func save(_ output: CommandOutput) throws {
        let text = output.standardOutput + Self.ownErrors(output).map { $0 + "\n" }.joined()
        try writeAtomically(text.withoutCredentials, to: "\(directory)/output.log", mode: 0o600)
    }

    /// What was read outside of the playbook's folder, in all attempts.
    func reads() throws -> [String: String] {
        try OutsideFiles.noted(in: readsFile, of: playbook)
    }

    private var readsFile: String { "\(directory)/reads" }

    /// The lines on standard error that are Ansible's own and no events of the callback plugin.
    static func ownErrors(_ output: CommandOutput) -> [Substring] {
        output.standardError.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("\u{1e}") }
    }

    /// The end of what Ansible printed, its own errors first.
    static func lastLines(_ output: CommandOutput) -> [String] {
        (ownErrors(output) + output.standardOutput.split(whereSeparator: \.isNewline)).suffix(12)
            .map { String($0).withoutCredentials }
    }

    func writeFiles() throws {
        // The record of an earlier step.
        try removeFile(readsFile)
        for folder in ["plugins", "inventory"] { try makeDirectory("\(directory)/\(folder)", mode: 0o700) }
        try writeAtomically(configuration, to: "\(directory)/ansible.cfg")
        try writeAtomically("[all]\n\(endpoint.alias)\n", to: "\(directory)/inventory.ini")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let json = String(decoding: try encoder.encode(variables), as: UTF8.self)
        try writeAtomically(json, to: "\(directory)/variables.json", mode: 0o600)
        for (path, plugin) in [
            "plugins/dss_events.py": PackageResources.dss_events_py,
            "plugins/dss_step.py": PackageResources.dss_step_py,
            "inventory/dss_reads.py": PackageResources.dss_reads_py,
        ] {
            try writeAtomically(String(decoding: plugin, as: UTF8.self), to: "\(directory)/\(path)")
        }
    }

    /// The option by which sudo leaves variables as they are, in addition to Ansible's usual ones.
    private var preserved: [String] {
        privateVariables.isEmpty ? [] : ["--preserve-env=\(privateVariables.joined(separator: ","))"]
    }

    /// The contents of `ansible.cfg`, so that no user configuration affects a build, and one environment variable is
    /// enough to run it manually.
    ///
    /// Roles and collections are those next to the playbook, which Ansible always finds and the cache key contains. Its
    /// default paths, such as `/etc/ansible/roles`, are replaced by directories that do not exist.
    var configuration: String {
        """
        [defaults]
        callback_plugins = \(directory)/plugins
        callbacks_enabled = dss_step, dss_events
        callback_result_format = yaml
        inventory_plugins = \(directory)/inventory
        roles_path = \(directory)/roles
        collections_path = \(directory)/collections
        local_tmp = \(directory)/tmp
        home = \(directory)
        retry_files_enabled = False
        host_key_checking = True
        interpreter_python = /usr/bin/python3
        nocows = True
        force_handlers = False
        timeout = 30

        [inventory]
        enable_plugins = dss_reads, ini

        [ssh_connection]
        ssh_args = -F "\(endpoint.configFile)"
        pipelining = True
        retries = 3

        [sudo_become_plugin]
        flags = \((["-H", "-S", "-n"] + preserved).joined(separator: " "))

        """
    }
}

/// Converts Ansible's output to events and records the task that failed.
final class TaskMonitor: Sendable {
    private let events: EventSink
    private let isVerbose: Bool
    private let failed = Mutex<TaskResult?>(nil)
    private let heard = Mutex(PlaybookAccount())

    init(events: @escaping EventSink, isVerbose: Bool) {
        self.events = events
        self.isVerbose = isVerbose
    }

    var failedTask: TaskResult? { failed.withLock { $0 } }
    var account: PlaybookAccount { heard.withLock { $0 } }

    func heard(_ stream: OutputStream, _ line: String) {
        guard stream == .standardError, let event = AnsibleEvent(line: line) else {
            if isVerbose, !line.isEmpty { events(.output(.install, line: line.withoutCredentials)) }
            return
        }
        heard.withLock { $0.add(event) }
        if let progress = event.progress { events(.progress(.install, progress)) }
        guard let task = event.task else { return }
        if task.status == .failed || task.status == .unreachable { failed.withLock { $0 = task } }
        events(.task(task))
    }
}

/// An event that the callback plugin `dss_events` prints as one line.
struct AnsibleEvent: Decodable, Equatable {
    enum Kind: String, Decodable {
        case taskStarted = "task-started"
        case taskFinished = "task-finished"
        case noHostsMatched = "no-hosts-matched"
        case pluginLoaded = "plugin-loaded"
        case stats
    }

    var event: Kind
    var index: Int?
    var count: Int?
    var role: String?
    var name: String?
    var status: TaskResult.Status?
    var seconds: Double?
    var module: String?
    var message: String?
    var changed: Int?
    /// The hosts on which tasks ran or were skipped.
    var hosts: [String]?

    /// - Returns: `nil` for a line of Ansible's own output.
    init?(line: String) {
        guard line.hasPrefix("\u{1e}"),
            let event = try? JSONDecoder().decode(Self.self, from: Data(line.utf8.dropFirst()))
        else { return nil }
        self = event
    }

    /// The result of the task, if the event reports a finished task.
    var task: TaskResult? {
        guard event == .taskFinished, let index, let name, let status else { return nil }
        return TaskResult(
            index: index, count: count, role: role, name: name, status: status, seconds: seconds ?? 0,
            module: module, message: message?.withoutCredentials)
    }

    /// The progress, if the event reports the start of a task.
    var progress: Progress? {
        guard event == .taskStarted, let index, let name else { return nil }
        let title = [role, Self.withoutRole(name, role)].compactMap { $0 }.joined(separator: " : ")
        return Progress(title, completed: Double(index), total: count.map(Double.init), unit: .tasks)
    }

    private static func withoutRole(_ name: String, _ role: String?) -> String {
        guard let role, name.hasPrefix("\(role) : ") else { return name }
        return String(name.dropFirst(role.count + 3))
    }
}
