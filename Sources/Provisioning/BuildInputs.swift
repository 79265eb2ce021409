import FoundationEssentials
import Sandbox
import Workbench

/// Everything that goes into a sandbox except the password. It decides whether the result of an earlier build is up to
/// date.
package struct BuildInputs: Sendable {
    /// One key for each step of the playbook; a change in a role changes the keys of its step and of all later steps.
    package var stepKeys: [String]

    package init(stepKeys: [String]) {
        self.stepKeys = stepKeys
    }

    /// Reads the inputs once, before the build, so that a file that is edited during the build does not corrupt a cache
    /// entry.
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
        // A release never starts from a cached system that may be incomplete.
        hash.add("release", "\(order.isRelease)")
        try hash.addTree(playbook.pins)
        let files = try PlaybookFiles(folder, roles: playbook.roles)
        hash.add("play", files.shared)
        var unread = files.called
        var read: Set<String> = []
        stepKeys = playbook.steps.map { step in
            hash.add("step", step.roles.joined(separator: ","))
            unread += step.roles
            while let name = unread.popLast() {
                guard read.insert(name).inserted, let role = files.roles[name] else { continue }
                hash.add("role \(name)", role.digest)
                unread += role.called
            }
            return hash.hexDigest
        }
    }

    /// The digest of the images that are built on this host.
    /// - Parameter program: the hash of this program; a newer `dss` may write different images from the same inputs.
    package func diskDigest(of definition: SandboxDefinition, program: String) -> String {
        digest(
            definition,
            [
                "disk": "\(definition.disk.sizeMiB)", "mirror": definition.base.mirror, "name": title(definition),
                "program": program,
            ])
    }

    /// The digest of an AMI and of the images that AWS exports from it.
    package func amiDigest(of definition: SandboxDefinition) -> String {
        digest(definition, ["name": title(definition), "volume": "\(definition.aws.volumeSizeGiB)"])
    }

    /// The digest of a container image.
    /// - Parameter facts: other facts that determine the image, such as its labels.
    package func containerDigest(
        of definition: SandboxDefinition, _ facts: [String: String], program: String
    ) -> String {
        digest(definition, facts.merging(["mirror": definition.base.mirror, "program": program]) { $1 })
    }

    private func title(_ definition: SandboxDefinition) -> String { "\(definition.name) \(definition.version)" }

    /// Combines the inputs that all editions share with those of one edition.
    private func digest(_ definition: SandboxDefinition, _ edition: [String: String]) -> String {
        var hash = ContentHash()
        for key in stepKeys { hash.add("step", key) }
        let base = definition.base
        hash.add("base", "\(base.distribution) \(base.suite) \(base.architecture)")
        for (label, value) in edition.sorted(by: { $0.key < $1.key }) { hash.add(label, value) }
        return hash.hexDigest
    }
}
