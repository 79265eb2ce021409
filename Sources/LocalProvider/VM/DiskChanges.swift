import Provisioning
import Sandbox

extension LocalVMProvider {
    /// What makes the disk of an order another one than that of the published images; empty if nothing is known.
    /// - Parameters:
    ///   - told: what the plan says of base system and steps.
    ///   - digest: that of the disk.
    func diskChanges(_ order: BuildOrder, _ told: [BuildPlan.Part], digest: String) async throws -> [String] {
        guard let images = try await folder.manifest(), !images.files.isEmpty else { return [] }
        if images.inputs == digest {
            return try await folder.missingFiles(of: images).map { "\($0) is missing or was changed" }
        }
        guard images.inputs != nil else { return ["the last build went on with a machine that was kept"] }
        let definition = order.definition
        let facts = [
            ("name", images.name != definition.name), ("version", images.version != definition.version),
            ("disk.size", images.diskMiB != definition.disk.sizeMiB),
            ("base.distribution", images.distribution != definition.base.distribution.rawValue),
            ("base.suite", images.suite != definition.base.suite),
            ("base.architecture", images.architecture != definition.base.architecture),
        ].filter(\.1).map { "\($0.0) changed" }
        let machine = MachinePlan(order, try factory.inputs(of: order))
        let before = factory.changesSinceLastBuild(machine)
        // What is cached may be of another build than the images are.
        let changes = facts + (before ?? []).filter { change in !told.contains { $0.changes.contains(change) } }
        // The rest of what a disk is made of.
        let isSame = before?.isEmpty == true && told.allSatisfy { $0.state == .cached }
        return changes.isEmpty && isSame ? ["dss changed"] : changes
    }
}

extension AssetFolder {
    /// The names of the files that are not as the manifest describes them.
    fileprivate func missingFiles(of manifest: Manifest) async throws -> [String] {
        let intact = Set(try await intactFiles(of: manifest).map(\.name))
        return manifest.files.map(\.name).filter { !intact.contains($0) }
    }
}
