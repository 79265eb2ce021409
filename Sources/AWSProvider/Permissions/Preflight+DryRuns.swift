import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// What EC2 itself says about permissions, without doing anything.
extension Preflight {
    /// Things that are made in the course of the build are not there yet: well-formed ids stand for them.
    private enum MadeUp {
        static let instance = "i-00000000000000000"
        static let image = "ami-00000000000000000"
        static let snapshot = "snap-00000000000000000"
        static let key = Data("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".utf8)
    }

    @Sendable func checkDryRuns() async throws -> [PreflightFinding] {
        let trials = machineTrials + imageTrials + exportTrials + publicationTrials
        return try await withThrowingTaskGroup(of: PreflightFinding?.self) { group in
            for trial in trials { group.addTask { try await trial(client) } }
            return try await group.reduce(into: []) { if let finding = $1 { $0.append(finding) } }
                .sorted { $0.text < $1.text }
        }
    }

    private typealias Trial = @Sendable (AWSClient) async throws -> PreflightFinding?

    private var machineTrials: [Trial] {
        guard source != nil else { return [] }
        var trials = [
            trial(EC2.StopInstances(instanceIds: [MadeUp.instance]), \.dryRun),
            trial(
                EC2.CreateTags(resources: [MadeUp.instance], tags: Array(site.passingTags)), \.dryRun),
        ]
        if makesKeyPair {
            trials.append(
                trial(
                    EC2.ImportKeyPair(
                        keyName: site.stackName, publicKeyMaterial: MadeUp.key,
                        tagSpecifications: site.specifications("key-pair", tags: site.passingTags)), \.dryRun))
        }
        return trials
    }

    private var imageTrials: [Trial] {
        guard source != nil else { return [] }
        return [
            trial(
                EC2.CreateImage(
                    instanceId: MadeUp.instance, name: site.imageName,
                    tagSpecifications: site.specifications("image", "snapshot", tags: site.tags)), \.dryRun),
            trial(EC2.DeregisterImage(imageId: MadeUp.image), \.dryRun),
            trial(EC2.DeleteSnapshot(snapshotId: MadeUp.snapshot), \.dryRun),
        ]
    }

    private var exportTrials: [Trial] {
        guard method == .vmExport, !formats.isEmpty else { return [] }
        return [
            trial(
                EC2.ExportImage(
                    imageId: MadeUp.image, diskImageFormat: "VMDK",
                    s3ExportLocation: .init(s3Bucket: bucket?.name ?? "bucket", s3Prefix: site.keyPrefix),
                    roleName: bucket?.exportRole,
                    tagSpecifications: site.specifications("export-image-task", tags: site.tags)), \.dryRun)
        ]
    }

    private var publicationTrials: [Trial] {
        guard isPublic else { return [] }
        let all = EC2.PermissionChange(add: [.init(group: "all")])
        return [
            trial(EC2.ModifyImageAttribute(imageId: MadeUp.image, launchPermission: all), \.dryRun),
            trial(
                EC2.ModifySnapshotAttribute(snapshotId: MadeUp.snapshot, createVolumePermission: all), \.dryRun),
        ]
    }

    /// AWS looks at permissions first: an error of any other kind, such as that there is no such thing, means that it
    /// would have been allowed.
    private func trial<O: EC2Operation>(
        _ operation: O, _ dryRun: WritableKeyPath<O, Bool?>
    ) -> Trial {
        var operation = operation
        operation[keyPath: dryRun] = true
        return { [operation] client in
            do {
                _ = try await client.call(operation)
                return nil
            } catch let error as AWSError where error.kind == .denied {
                return .problem("\(error)", advice: error.advice ?? "", code: .noPermission)
            } catch let error as AWSError where error.kind == .refused || error.kind == .quota {
                return nil
            }
        }
    }
}
