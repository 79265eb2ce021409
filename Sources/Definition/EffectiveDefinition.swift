import Sandbox

/// Renderings of the effective definition; each is a valid `sandbox.yaml`.
extension LoadedDefinition {
    /// The definition as YAML, optionally with the origin of every value in a comment.
    package func yaml(withOrigins: Bool = false) -> String {
        var lines: [(text: String, origin: String)] = []
        var open: [String] = []
        for entry in entries {
            let names = path(entry.key)
            let shared = zip(open, names.dropLast()).prefix { $0 == $1 }.count
            for depth in shared..<names.count - 1 { lines.append((indent(depth) + names[depth] + ":", "")) }
            open = Array(names.dropLast())
            let value = ScalarText.flow(entry.value, ScalarText.yaml)
            lines.append(("\(indent(open.count))\(ScalarText.yaml(names[open.count])): \(value)", entry.origin.origin))
        }
        guard withOrigins else { return lines.map { $0.text + "\n" }.joined() }
        let width = lines.filter { !$0.origin.isEmpty }.map(\.text.count).filter { $0 <= 60 }.max() ?? 0
        return lines.map { line in
            if line.origin.isEmpty { return line.text + "\n" }
            let gap = String(repeating: " ", count: max(0, width - line.text.count))
            return "\(line.text)\(gap)  # \(line.origin)\n"
        }.joined()
    }

    /// The definition as JSON, with the keys and in the order of the file.
    package func json() -> String {
        var tree = Tree()
        for entry in entries { tree.insert(path(entry.key)[...], ScalarText.flow(entry.value, ScalarText.quoted)) }
        return tree.json(0) + "\n"
    }

    private func path(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }

    private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}

/// Nested JSON objects that keep the order of their keys.
private struct Tree {
    private var leaf: String?
    private var branches: [(name: String, tree: Tree)] = []

    mutating func insert(_ path: ArraySlice<String>, _ value: String) {
        guard let name = path.first else {
            leaf = value
            return
        }
        if !branches.contains(where: { $0.name == name }) { branches.append((name, Tree())) }
        for index in branches.indices where branches[index].name == name {
            branches[index].tree.insert(path.dropFirst(), value)
        }
    }

    func json(_ depth: Int) -> String {
        if let leaf { return leaf }
        let indent = String(repeating: "  ", count: depth)
        let members = branches.map { "\(indent)  \(ScalarText.quoted($0.name)): \($0.tree.json(depth + 1))" }
        return "{\n\(members.joined(separator: ",\n"))\n\(indent)}"
    }
}
