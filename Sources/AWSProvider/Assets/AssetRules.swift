import AWSServices
import Sandbox

/// What makes a thing one of ours: the tag of the definition, else a name that the definition gives.
package struct AssetRules: Sendable {
    package let names: SandboxDefinition.Names
    package let pattern: AssetPattern
    /// GiB of a machine's disk, which AWS does not tell in a list of machines.
    package let volumeGiB: Int
    private let dashedPattern: AssetPattern

    package init(_ definition: SandboxDefinition, _ pattern: AssetPattern) {
        self.init(names: definition.names, volumeGiB: definition.aws.volumeSizeGiB, pattern)
    }

    package init(names: SandboxDefinition.Names = .init(), volumeGiB: Int = 100, _ pattern: AssetPattern) {
        self.names = names
        self.pattern = pattern
        self.volumeGiB = volumeGiB
        dashedPattern = AssetPattern(AssetID.dashed(pattern.description))
    }

    /// The stacks that are deployed once in an account all begin so.
    package static let permanentPrefix = "DATA-SCIENCE-SANDBOX-"
    /// By which an instance, or whatever has a tag, says when its time is over, in ISO 8601.
    package static let expiryTag = "expires-at"
    /// By which a run of CodeBuild says what it builds.
    package static let buildVariables = ["ASSET_ID", "DSS_ASSET_ID"]

    package var tagKey: String { names.tagKey }

    // Whose it is; `nil` where it is nobody's, or that of an asset id that was not asked for.

    package func owner(_ tags: [EC2.Tag], amiName: String?) -> String? {
        owner(tag: tags.first { $0.key == tagKey }?.value) {
            amiName.flatMap { named($0, names.ami, pattern) }
        }
    }

    package func owner(_ tags: [EC2.Tag], stackName: String?) -> String? {
        owner(tag: tags.first { $0.key == tagKey }?.value) {
            stackName.flatMap { named($0, names.stack, dashedPattern) }
        }
    }

    package func owner(of stack: CloudFormation.Stack) -> String? {
        let tag = stack.tags.first { $0.key == tagKey }?.value
        if tag == nil, isPermanent(stack.stackName) { return isUnlimited ? "" : nil }
        return owner(tag: tag) { named(stack.stackName, names.stack, dashedPattern) }
    }

    package func owner(ofKey key: String) -> String? {
        let folder = names.bucketPrefix + "/"
        guard key.hasPrefix(folder), let end = key.dropFirst(folder.count).firstIndex(of: "/") else { return nil }
        let id = String(key[..<end].dropFirst(folder.count))
        return matches(id) ? id : nil
    }

    package func owner(of build: CodeBuild.Build) -> String? {
        let variable = build.environment?.environmentVariables?.first { Self.buildVariables.contains($0.name) }
        if let variable { return pattern.matches(variable.value) ? variable.value : nil }
        return isUnlimited ? "" : nil
    }

    package func isPermanent(_ stackName: String) -> Bool { stackName.hasPrefix(Self.permanentPrefix) }

    /// Everything is meant, also what has no asset id.
    package var isUnlimited: Bool { pattern.description == "*" }

    // What AWS is asked for, so that it sends little else.

    package var tagFilter: EC2.Filter { .init(name: "tag:\(tagKey)", values: [pattern.description]) }
    package var imageNames: String { filled(names.ami, pattern) }
    package var keyPairNames: String { filled(names.stack, dashedPattern) }

    /// All keys that can match begin so.
    package var keyPrefix: String {
        if pattern.isExact { return AssetID.folder(of: pattern.description, under: names.bucketPrefix) }
        return "\(names.bucketPrefix)/\(pattern.description.prefix { !"*?".contains($0) })"
    }

    private func owner(tag: String?, orNamed name: () -> String?) -> String? {
        guard let tag else { return name() }
        return matches(tag) ? tag : nil
    }

    private func matches(_ id: String) -> Bool { isUnlimited || pattern.matches(id) }

    private static let placeholder = "<asset-id>"

    private func filled(_ template: String, _ pattern: AssetPattern) -> String {
        template.replacing(Self.placeholder, with: pattern.description)
    }

    /// The asset id in a name that was made by a template.
    private func named(_ name: String, _ template: String, _ pattern: AssetPattern) -> String? {
        guard let place = template.firstRange(of: Self.placeholder) else { return nil }
        let (head, tail) = (template[..<place.lowerBound], template[place.upperBound...])
        guard name.count > head.count + tail.count, name.hasPrefix(head), name.hasSuffix(tail) else { return nil }
        let id = String(name.dropFirst(head.count).dropLast(tail.count))
        return pattern.matches(id) ? id : nil
    }
}
