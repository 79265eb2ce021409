import Sandbox
import Workbench

/// What a directory is used for. Each use has tools with characters that they cannot take in a path, however it is
/// quoted; such a directory is refused before anything runs.
enum FolderUse: Sendable {
    case state, cache, bucket, work
    /// The directory of the playbook, or of the pins.
    case definition

    /// - Parameters:
    ///   - name: the option, variable or key that the path is from.
    ///   - inherited: the environment of the programs.
    func require(_ path: String, from name: String, inherited: [String: String]) throws {
        guard let problem = problem(path, inherited) else { return }
        let shown = path.replacing("\r\n", with: "\\r\\n").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
        throw Failure(
            .usage, "\(name): \(shown) cannot be used, because its path contains \(problem.text)",
            details: [problem.reason], advice: advice(problem.text))
    }

    private func advice(_ text: String) -> String {
        switch self {
        case .state: "use a directory without it: --state, or DSS_STATE"
        case .cache: "use a directory without it: --cache, or DSS_CACHE"
        case .bucket: "use a directory without it: --bucket, or DSS_BUCKET"
        case .work: "use a directory without it: --work-dir, or DSS_WORK_DIR"
        case .definition: "move the sandbox to a directory without it"
        }
    }

    private func problem(_ path: String, _ inherited: [String: String]) -> (text: String, reason: String)? {
        if path.contains(where: \.isNewline) {
            return ("a line break", "A line break ends a setting in the files of Ansible, ssh and apt.")
        }
        switch self {
        case .bucket, .work: return nil
        case .cache:
            if path.contains("\"") { return ("'\"'", "mount takes '\"' in the options of an overlay for a quote.") }
        case .state:
            if path.contains("\"") { return ("'\"'", "ssh and apt cannot read '\"' in a path of their settings.") }
            if path.contains(",") { return ("','", "Ansible takes an inventory with ',' for a list of hosts.") }
            if path.contains(":") { return ("':'", "Ansible splits the paths of plugins at ':'.") }
            if path.contains(#/\s;/#) { return ("' ;'", "Ansible takes ' ;' in its settings for a comment.") }
            if path.contains("${") { return ("'${'", "ssh replaces '${NAME}' by a variable of the environment.") }
            return Self.variable(in: path, inherited)
        case .definition:
            for mark in ["{{", "{%", "{#"] where path.contains(mark) {
                return ("'\(mark)'", "Ansible takes '\(mark)' for the start of a template.")
            }
            return Self.variable(in: path, inherited)
        }
        return nil
    }

    /// The variable of the environment by whose value Ansible would replace its name. Others stay as they are.
    private static func variable(
        in path: String, _ inherited: [String: String]
    ) -> (text: String, reason: String)? {
        for match in path.matches(of: #/\$(?:(\w+)|\{([^}]*)\})/#) {
            guard let name = match.1 ?? match.2, inherited[String(name)] != nil else { continue }
            return ("'\(match.0)'", "Ansible replaces '\(match.0)' by the variable of the environment.")
        }
        return nil
    }
}

extension Live {
    /// The canonical path of a directory from a flag, else from a variable, else the default.
    func folder(
        for use: FolderUse, _ flag: (name: String, value: String?), _ variable: String, _ standard: String
    ) throws -> String {
        let (name, path): (String, String) =
            if let value = flag.value { (flag.name, value) } else if let value = self.variable(variable) {
                (variable, value)
            } else { (flag.name, standard) }
        return try folder(for: use, path, from: name)
    }

    /// The canonical path of a directory, which is checked.
    func folder(for use: FolderUse, _ path: String, from name: String) throws -> String {
        let path = canonicalPath(absolute(path))
        try use.require(path, from: name, inherited: inherited)
        return path
    }

    /// The environment of the programs that a command starts.
    var inherited: [String: String] { InheritedEnvironment.of(environment) }
}
