import LocalMachine
import Sandbox
import Workbench

/// One Docker image, wholly decided.
package struct DockerOrder: Sendable {
    package var build: BuildOrder
    package var repository: ImageRepository
    package var version: String
    package var compression: LayerCompression
    /// For each step of the playbook the hash of all that goes into it.
    package var stepKeys: [String]
    /// The commit of the definition, for the label; `nil` where it is under no version control.
    package var revision: String?
    /// Seconds since 1970, for the image's time of creation; files in it have another.
    package var created: Int
    /// Hash of this program: a newer `dss` may write another image from the same inputs.
    package var programDigest: String

    package init(
        _ build: BuildOrder, repository: ImageRepository, version: String, compression: LayerCompression,
        stepKeys: [String], revision: String?, created: Int?, programDigest: String
    ) throws {
        try ImageRepository.check(tag: version)
        self.build = build
        self.repository = repository
        self.version = version
        self.compression = compression
        self.stepKeys = stepKeys
        self.revision = revision
        self.created = created ?? Reproducible.time
        self.programDigest = programDigest
    }

    package var reference: String { repository.reference(version) }

    var plan: MachinePlan {
        MachinePlan(
            assetID: build.assetID, base: build.definition.base, profile: .container, steps: stepKeys,
            usesCache: build.usesCache, reachesHost: build.definition.namesHost, isVerbose: build.isVerbose)
    }

    /// What each layer holds, the base first.
    var layerNames: [String] {
        let base = build.definition.base
        return ["\(base.distribution.rawValue) \(base.suite)"]
            + build.definition.playbook.steps.map { "roles \($0.roles.joined(separator: ", "))" }
    }

    /// The hash of all that decides the image.
    var inputs: String {
        var hash = ContentHash()
        let base = build.definition.base
        hash.add("base", "\(base.distribution) \(base.suite) \(base.mirror) \(base.architecture)")
        for key in stepKeys { hash.add("step", key) }
        hash.add("compression", compression.rawValue)
        hash.add("created", "\(created)")
        hash.add("release", "\(build.isRelease)")
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) { hash.add(name, value) }
        hash.add("reference", reference)
        hash.add("program", programDigest)
        return hash.hexDigest
    }
}
