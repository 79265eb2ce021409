import FoundationEssentials
import Sandbox
import Workbench

/// Finds mistakes in a playbook without a machine to run it on.
package struct PlaybookCheck: Sendable {
    private let runner: any CommandRunner
    private let python: String
    private let ansible: String

    /// - Parameters:
    ///   - python: an interpreter with the modules that Ansible needs.
    ///   - ansible: the `ansible-playbook` command.
    package init(runner: any CommandRunner, python: String, ansible: String) {
        self.runner = runner
        self.python = python
        self.ansible = ansible
    }

    /// Refuses what neither a build nor Ansible can read: it would wait for the other end of a pipe forever.
    package func requireFiles(of playbook: SandboxDefinition.Playbook) throws {
        _ = try PlaybookFiles(parentDirectory(playbook.file), roles: playbook.roles)
    }

    /// Parses every YAML file, template and notebook of the roles, in less than a second.
    /// - Parameter variables: the names of those that the playbook is given; `nil` if its variables are not checked.
    /// - Throws: `Failure(.unavailable)` if Python has no YAML or Jinja2.
    package func files(
        of playbook: SandboxDefinition.Playbook, variables: [String]? = nil
    ) async throws -> [CheckedPart] {
        let script = String(decoding: PackageResources.check_playbook_py, as: UTF8.self)
        let names = variables.map { [$0.joined(separator: ",")] } ?? []
        // Python before 3.11 imports modules from the current directory, which may be anyone's.
        let command = Command(
            python, ["-", parentDirectory(playbook.file)] + names, workingDirectory: "/", input: .text(script))
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        if output.status == .exited(Failure.Code.unavailable.rawValue) {
            throw Failure(
                .unavailable, "the files of the playbook cannot be checked: \(output.standardError.trimmedLine)",
                advice: "install Ansible: make setup, or sudo apt-get install ansible-core")
        }
        guard output.status.isSuccess else { throw CommandFailure(command, output) }
        return try JSONDecoder().decode([CheckedPart].self, from: Data(output.standardOutput.utf8))
    }

    /// Fails if a file of the playbook has a mistake: a build would notice it only after minutes. Without the modules
    /// that the check needs, the build decides.
    package func requireSound(_ playbook: SandboxDefinition.Playbook) async throws {
        try requireFiles(of: playbook)
        let errors: [String]
        do { errors = try await files(of: playbook).flatMap(\.errors) } catch let failure as Failure
            where failure.code == .unavailable
        {
            return
        } catch is ToolMissing {
            return
        }
        try Self.refuse(errors)
    }

    /// Fails if Ansible cannot load the play, or if a task of it has a mistake. Takes a second, and is therefore for a
    /// build that has something to install. If Ansible does not answer, the build decides; it also decides on packages
    /// without a version, which can be installed.
    package func requireLoadable(_ playbook: SandboxDefinition.Playbook) async throws {
        let errors: [String]
        do { errors = try await play(of: playbook, withVersions: false).flatMap(\.errors) } catch {
            return try Task.checkCancellation()
        }
        try Self.refuse(errors)
    }

    private static func refuse(_ errors: [String]) throws {
        guard !errors.isEmpty else { return }
        throw Failure(
            .badData, "the playbook has \(errors.count == 1 ? "an error" : "\(errors.count) errors")",
            details: errors, advice: "correct it, then: dss check")
    }

    /// Lets Ansible load the play with all its roles and tasks, and looks at every task with the plugin `dss_check`.
    /// The inventory has no hosts, so that nothing runs.
    /// - Parameter withVersions: whether a package that a task installs without a version is a mistake.
    package func play(
        of playbook: SandboxDefinition.Playbook, withVersions: Bool = true
    ) async throws -> [CheckedPart] {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/plugins")
            for (name, text) in [
                "ansible.cfg": Self.configuration(directory), "inventory.ini": "[all]\n",
                "plugins/dss_check.py": String(decoding: PackageResources.dss_check_py, as: UTF8.self),
            ] { try writeAtomically(text, to: "\(directory)/\(name)") }
            let output = try await runner.execute(
                Command(
                    ansible, ["--inventory", "\(directory)/inventory.ini", playbook.file],
                    environment: [
                        "ANSIBLE_CONFIG": "\(directory)/ansible.cfg", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
                        "DSS_CHECK_VERSIONS": withVersions ? "yes" : nil,
                    ]))
            try Task.checkCancellation()
            var syntax = CheckedPart(name: "Ansible's syntax", count: playbook.roles.count)
            guard output.status.isSuccess else {
                syntax.errors = [AnsibleError(output).text(in: playbook.file)]
                return [syntax]
            }
            let lines = output.standardError.split(separator: "\n")
            guard let report = lines.first(where: { $0.hasPrefix("\u{1e}") }) else {
                throw Failure(
                    .failed, "Ansible did not load the plugin dss_check", details: lines.suffix(5).map(String.init))
            }
            return [syntax, try JSONDecoder().decode(CheckedPart.self, from: Data(report.utf8.dropFirst()))]
        }
    }

    /// Roles and collections are those next to the playbook, as in a build.
    private static func configuration(_ directory: String) -> String {
        """
        [defaults]
        callback_plugins = \(directory)/plugins
        callbacks_enabled = dss_check
        roles_path = \(directory)/roles
        collections_path = \(directory)/collections
        home = \(directory)
        local_tmp = \(directory)/tmp
        nocows = True

        [inventory]
        enable_plugins = ini

        """
    }
}

/// One kind of thing that was looked at, and the mistakes in it.
package struct CheckedPart: Sendable, Equatable, Codable {
    package var name: String
    /// How many there are.
    package var count: Int
    /// `FILE:LINE:COLUMN: error: …`
    package var errors: [String]

    package init(name: String, count: Int, errors: [String] = []) {
        self.name = name
        self.count = count
        self.errors = errors
    }

    /// Parts without those whose errors are all at lines that earlier parts have errors at: Ansible ends at invalid YAML
    /// as well.
    package static func unrepeated(_ parts: [Self], after earlier: [Self]) -> [Self] {
        let known = Set(earlier.flatMap(\.errors).compactMap(line))
        return parts.filter { $0.errors.isEmpty || !$0.errors.allSatisfy { line($0).map(known.contains) ?? false } }
    }

    /// `FILE:LINE` of an error.
    private static func line(_ error: String) -> Substring? {
        error.prefixMatch(of: #/(.+?:\d+):\d+: /#)?.1
    }
}

/// The error with which `ansible-playbook` refuses a playbook.
struct AnsibleError: Equatable {
    var message: String
    /// `FILE:LINE:COLUMN`
    var place: String?

    /// Since 2.19, Ansible prints `[ERROR]: …` and `Origin: FILE:LINE:COLUMN`; before, `ERROR! …` and
    /// `The error appears to be in 'FILE': line 1, column 2`.
    init(_ output: CommandOutput) {
        let text = output.standardError + output.standardOutput
        let first = text.firstMatch(of: /(?:\[ERROR\]:|ERROR!) *([^\n]+)/).map { String($0.1) }
        message = first ?? text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no output"
        if let origin = text.firstMatch(of: /Origin: (\S.*:\d+:\d+)/) {
            place = String(origin.1)
        } else if let origin = text.firstMatch(of: /in '([^']+)': line (\d+), column (\d+)/) {
            place = "\(origin.1):\(origin.2):\(origin.3)"
        }
    }

    /// - Parameter file: the file to name if Ansible names none.
    func text(in file: String) -> String { "\(place ?? file): error: \(message)" }
}
