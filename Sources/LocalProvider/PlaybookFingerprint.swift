import FoundationEssentials
import Sandbox
import Workbench

/// The keys under which the results of the playbook's steps are kept: hashes of all that goes into each.
package struct PlaybookFingerprint: Sendable {
    /// One key for each step; a change in a role changes the keys of its step and of those after it.
    package let stepKeys: [String]

    /// Read once before the build, so that a file that is edited while it runs spoils no cache entry.
    package init(_ order: BuildOrder) throws {
        let definition = order.definition
        let playbook = definition.playbook
        let folder = parentDirectory(playbook.file)
        var hash = ContentHash()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        hash.add("variables", String(decoding: try encoder.encode(playbook.variables), as: UTF8.self))
        hash.add("user", definition.user.name)
        hash.add("port", "\(definition.ports.jupyter)")
        // A release never starts from a system that may lack something.
        hash.add("release", "\(order.isRelease)")
        try hash.addTree(playbook.pins)
        // What is no listed role may be used by any of them: the play itself, group variables, helper roles.
        try hash.addTree(folder) { path in
            !playbook.roles.contains { path == "roles/\($0)" } && Self.matters(path)
        }
        stepKeys = try playbook.steps.map { step in
            for role in step.roles where fileExists("\(folder)/roles/\(role)") {
                hash.add("role", role)
                try hash.addTree("\(folder)/roles/\(role)", where: Self.matters)
            }
            return hash.hexDigest
        }
    }

    private static func matters(_ path: String) -> Bool {
        !path.hasSuffix(".md") && !path.hasPrefix(".")
    }
}
