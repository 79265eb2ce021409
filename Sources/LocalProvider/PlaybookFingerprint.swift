import FoundationEssentials
import Sandbox
import Workbench

/// The keys under which the results of the playbook's steps are kept: hashes of all that goes into each.
struct PlaybookFingerprint: Sendable {
    /// One key for each step; a change in a role changes the keys of its step and of those after it.
    let stepKeys: [String]

    /// Read once before the build, so that a file that is edited while it runs spoils no cache entry.
    init(_ definition: SandboxDefinition) throws {
        let playbook = definition.playbook
        let folder = playbook.file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        var hash = ContentHash()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        hash.add("variables", String(decoding: try encoder.encode(playbook.variables), as: UTF8.self))
        hash.add("user", definition.user.name)
        hash.add("port", "\(definition.ports.jupyter)")
        try hash.addTree(playbook.pins)
        try hash.addTree(folder) { path in
            !path.hasPrefix("roles/") && !path.hasSuffix(".md") && !path.hasPrefix(".")
        }
        try Self.add(roles: ["tidy"], in: folder, to: &hash)
        stepKeys = try playbook.steps.map { step in
            try Self.add(roles: step.roles, in: folder, to: &hash)
            return hash.hexDigest
        }
    }

    private static func add(roles: [String], in folder: String, to hash: inout ContentHash) throws {
        for role in roles where fileExists("\(folder)/roles/\(role)") {
            hash.add("role", role)
            try hash.addTree("\(folder)/roles/\(role)") { !$0.hasSuffix(".md") }
        }
    }
}
