import FoundationEssentials
import Sandbox
import Workbench

/// Everything that goes into a sandbox except the password. It decides whether the result of an earlier build is up to
/// date.
package struct BuildInputs: Sendable {
    /// One key for each step of the playbook; a change in a role changes the keys of its step and of all later steps.
    package var stepKeys: [String]
    /// What each key is made of: the digests of files and values by their names, including those of the steps before.
    package var stepParts: [[String: String]]
    /// What Ansible reads outside of the playbook's folder, see `OutsideFiles`. Known only after a build.
    package var outside: [String: String] = [:]

    package init(stepKeys: [String], stepParts: [[String: String]] = []) {
        self.stepKeys = stepKeys
        self.stepParts = stepParts
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
        // Each label is the name by which a person knows the value, because a plan shows what has changed.
        for (name, value) in playbook.variables.sorted(by: { $0.key < $1.key }) {
            hash.add("playbook.variables.\(name)", String(decoding: try encoder.encode(value), as: UTF8.self))
        }
        hash.add("user.name", definition.user.name)
        hash.add("ports.jupyter", "\(definition.ports.jupyter)")
        // A release never starts from a cached system that may be incomplete.
        hash.add("--release", "\(order.isRelease)")
        try hash.addTree(playbook.pins)
        let files = try PlaybookFiles(folder, roles: playbook.roles)
        hash.add("play", files.shared)
        var unread = files.called
        var read: Set<String> = []
        let steps = playbook.steps.map { step in
            hash.add("step", step.roles.joined(separator: ","))
            unread += step.roles
            while let name = unread.popLast() {
                guard read.insert(name).inserted, let role = files.roles[name] else { continue }
                hash.add("role \(name)", role.files)
                unread += role.called
            }
            return (hash.hexDigest, Self.named(hash.parts, from: parentDirectory(folder)))
        }
        (stepKeys, stepParts) = (steps.map(\.0), steps.map(\.1))
    }

    /// Names the files relative to the folder of the definition, so that they are the same wherever it is.
    private static func named(_ parts: [String: String], from folder: String) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: parts.map { name, digest in
                (name.hasPrefix("\(folder)/") ? String(name.dropFirst(folder.count + 1)) : name, digest)
            })
    }

    /// The digest of the images that are built on this host.
    /// - Parameter program: the hash of this program; a newer `dss` may write different images from the same inputs.
    package func diskDigest(of definition: SandboxDefinition, program: String) -> String {
        digest(
            definition,
            packageSources(definition).merging([
                "disk": "\(definition.disk.sizeMiB)", "name": title(definition), "program": program,
            ]) { $1 })
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
        digest(definition, packageSources(definition).merging(facts) { $1 }.merging(["program": program]) { $1 })
    }

    private func packageSources(_ definition: SandboxDefinition) -> [String: String] {
        let base = definition.base.withoutCredentials
        return [
            "mirror": base.mirror, "security mirror": base.securityMirror ?? "", "sources": base.sources.rawValue,
        ]
    }

    private func title(_ definition: SandboxDefinition) -> String { "\(definition.name) \(definition.version)" }

    /// Combines the inputs that all editions share with those of one edition.
    private func digest(_ definition: SandboxDefinition, _ edition: [String: String]) -> String {
        var hash = ContentHash()
        for key in stepKeys { hash.add("step", key) }
        for (path, digest) in outside.sorted(by: { $0.key < $1.key }) { hash.add("outside \(path)", digest) }
        let base = definition.base
        hash.add("base", "\(base.distribution) \(base.suite) \(base.architecture)")
        for (label, value) in edition.sorted(by: { $0.key < $1.key }) { hash.add(label, value) }
        return hash.hexDigest
    }
}
