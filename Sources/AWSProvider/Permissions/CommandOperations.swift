import AWSCore
import AWSServices

/// The AWS operations that a command calls, and the templates that CloudFormation deploys with the caller's
/// permissions.
package struct CommandOperations: Sendable {
    /// Groups of stacks that a command reads or changes.
    package enum Stacks: Sendable, CaseIterable {
        /// The stacks of build instances.
        case build
        /// The stacks that are deployed once per account.
        case permanent
        /// All stacks, because listing cannot be restricted to some.
        case all
    }

    package var command: String
    package var operations: [any AWSCore.Operation.Type]
    package var templates: [StackTemplate]
    package var reads: Set<Stacks>
    package var changes: Set<Stacks>
    /// Whether the command writes the download page, which is outside the folders of builds in the bucket.
    package var writesPage: Bool

    init(
        _ command: String, _ operations: [any AWSCore.Operation.Type]..., templates: [StackTemplate] = [],
        reads: Set<Stacks> = [], changes: Set<Stacks> = [], writesPage: Bool = false
    ) {
        self.command = command
        self.operations = operations.flatMap(\.self)
        self.templates = templates
        self.reads = reads
        self.changes = changes
        self.writesPage = writesPage
    }

    /// Returns the needs of one command, or of all commands together.
    /// - Returns: `nil` if no command of that name calls AWS.
    package static func of(_ command: String? = nil) -> CommandOperations? {
        guard let command else {
            var all = CommandOperations("")
            for one in table { all.add(one) }
            return all
        }
        return table.first { $0.command == command }
    }

    private mutating func add(_ other: CommandOperations) {
        operations += other.operations
        templates += other.templates.filter { !templates.contains($0) }
        reads.formUnion(other.reads)
        changes.formUnion(other.changes)
        writesPage = writesPage || other.writesPage
    }

    /// The IAM actions, sorted.
    package var permissions: [String] {
        Set(operations.flatMap { $0.permissions } + templates.flatMap(\.permissions)).sorted()
    }
}

/// Groups of AWS operations that commands share.
extension CommandOperations {
    typealias Operations = [any AWSCore.Operation.Type]

    static let identity: Operations = [STS.GetCallerIdentity.self]

    static let deployment: Operations = [
        CloudFormation.CreateChangeSet.self, CloudFormation.DescribeChangeSet.self,
        CloudFormation.ExecuteChangeSet.self, CloudFormation.DeleteChangeSet.self, CloudFormation.DescribeStacks.self,
        CloudFormation.DescribeStackEvents.self, CloudFormation.DeleteStack.self,
    ]

    static let protection: Operations = [CloudFormation.UpdateTerminationProtection.self]

    /// Finding the source AMI.
    static let source: Operations = [EC2.DescribeImages.self, SSM.GetParameter.self]

    static let preflight: Operations = [
        EC2.DescribeInstanceTypeOfferings.self, EC2.DescribeInstanceTypes.self, EC2.DescribeVpcs.self,
        EC2.DescribeInstances.self, EC2.DescribeKeyPairs.self, EC2.DescribeExportImageTasks.self,
        EC2.GetEbsEncryptionByDefault.self, ServiceQuotas.GetServiceQuota.self, IAM.SimulatePrincipalPolicy.self,
    ]

    static let machine: Operations = [
        EC2.ImportKeyPair.self, EC2.DescribeKeyPairs.self, EC2.DeleteKeyPair.self, EC2.DescribeInstances.self,
        EC2.GetConsoleOutput.self, EC2.CreateTags.self, EC2.StopInstances.self,
        CloudFormation.ListStackResources.self,
    ]

    /// Running instances to verify an AMI.
    static let trial: Operations = [
        EC2.DescribeImages.self, EC2.DescribeInstances.self, EC2.GetConsoleOutput.self,
    ]

    static let capture: Operations = [
        EC2.CreateImage.self, EC2.EnableImageDeprecation.self, EC2.DescribeImages.self, EC2.DescribeSnapshots.self,
        EC2.DeregisterImage.self, EC2.DeleteSnapshot.self,
    ]

    /// Both export methods, and storing the files next to the images.
    static let export: Operations = exportByAWS + snapshotReading + storage

    private static let exportByAWS: Operations = [
        EC2.ExportImage.self, EC2.DescribeExportImageTasks.self, EC2.CancelExportTask.self, IAM.GetRole.self,
    ]

    private static let snapshotReading: Operations = [EBS.ListSnapshotBlocks.self, EBS.GetSnapshotBlock.self]

    static let storage: Operations = [
        S3.HeadBucket.self, S3.ListObjectsV2.self, S3.HeadObject.self, S3.GetObject.self, S3.PutObject.self,
        S3.CopyObject.self, S3.DeleteObject.self, S3.CreateMultipartUpload.self, S3.UploadPart.self,
        S3.UploadPartCopy.self, S3.CompleteMultipartUpload.self, S3.AbortMultipartUpload.self, S3.ListParts.self,
        S3.ListMultipartUploads.self,
    ]

    /// Uploading a local disk as a snapshot and registering an AMI.
    static let upload: Operations = [
        EBS.StartSnapshot.self, EBS.PutSnapshotBlock.self, EBS.CompleteSnapshot.self, EBS.ListSnapshotBlocks.self,
        EC2.RegisterImage.self, EC2.EnableImageDeprecation.self, EC2.DescribeImages.self, EC2.DescribeSnapshots.self,
        EC2.DeregisterImage.self, EC2.DeleteSnapshot.self, ServiceQuotas.GetServiceQuota.self,
    ]

    static let copies: Operations = [
        EC2.DescribeRegions.self, EC2.CopyImage.self, EC2.DescribeImages.self, EC2.DescribeSnapshots.self,
        EC2.CreateTags.self, EC2.EnableImageDeprecation.self, EC2.DeregisterImage.self, EC2.DeleteSnapshot.self,
        ServiceQuotas.GetServiceQuota.self,
    ]

    static let publicity: Operations = [
        EC2.DescribeImages.self, EC2.DescribeImageAttribute.self, EC2.ModifyImageAttribute.self,
        EC2.DescribeSnapshotAttribute.self, EC2.ModifySnapshotAttribute.self,
        EC2.GetImageBlockPublicAccessState.self, EC2.GetSnapshotBlockPublicAccessState.self,
        EC2.EnableImageDeprecation.self, ServiceQuotas.GetServiceQuota.self,
    ]

    static let listing: Operations = [
        EC2.DescribeRegions.self, CloudFormation.DescribeStacks.self, CloudFormation.ListStackResources.self,
        EC2.DescribeInstances.self, EC2.DescribeImages.self, EC2.DescribeSnapshots.self, EC2.DescribeKeyPairs.self,
        EC2.DescribeExportImageTasks.self, S3.GetBucketVersioning.self, S3.ListObjectsV2.self,
        S3.ListObjectVersions.self, S3.ListMultipartUploads.self, S3.ListParts.self, S3.GetObject.self,
        CodeBuild.ListBuildsForProject.self, CodeBuild.BatchGetBuilds.self,
    ]

    /// With `--list-on-aws`. S3 reports a missing manifest as missing only to callers that may list the bucket.
    static let dockerListing: Operations = [
        CloudFormation.DescribeStacks.self, S3.ListObjectsV2.self, S3.GetObject.self, S3.PutObject.self,
    ]

    /// Looking up the public address of the images.
    static let address: Operations = [CloudFormation.DescribeStacks.self]

    static let removal: Operations = [
        EC2.CancelExportTask.self, EC2.TerminateInstances.self, EC2.DeregisterImage.self, EC2.DeleteSnapshot.self,
        EC2.DeleteKeyPair.self, S3.AbortMultipartUpload.self, S3.DeleteObjects.self, CodeBuild.StopBuild.self,
        CloudFormation.DeleteStack.self, CloudFormation.DescribeStackEvents.self,
    ]

    /// Starting and following CodeBuild builds.
    static let codeBuild: Operations = [
        CloudFormation.DescribeStacks.self, CodeBuild.StartBuild.self, CodeBuild.BatchGetBuilds.self,
        CodeBuild.StopBuild.self, Logs.GetLogEvents.self,
    ]

    /// Listing what is published: files in the bucket, AMIs.
    static let shelf: Operations = [
        CloudFormation.DescribeStacks.self, S3.ListObjectsV2.self, S3.GetObject.self, EC2.DescribeRegions.self,
        EC2.DescribeImages.self, EC2.DescribeSnapshots.self, EC2.DescribeExportImageTasks.self,
    ]

    /// Publishing the download page.
    static let page: Operations = [
        S3.HeadObject.self, S3.PutObject.self, CloudFront.CreateInvalidation.self, CloudFront.GetInvalidation.self,
    ]
}

/// Every `dss` command that calls AWS has an entry here. Tests compare the entries with the commands that have AWS
/// options, and with recorded calls.
extension CommandOperations {
    package static let table: [CommandOperations] = [
        CommandOperations("whoami", identity),
        CommandOperations(
            "setup-vm-bucket", deployment, protection, templates: [.vmBucket], reads: [.permanent],
            changes: [.permanent]),
        CommandOperations(
            "setup-vm-bucket-waf", deployment, protection, templates: [.vmBucketWAF], reads: [.permanent],
            changes: [.permanent]),
        CommandOperations(
            "setup-ci-codebuild", deployment, protection, templates: [.ciCodeBuild], reads: [.permanent],
            changes: [.permanent]),
        CommandOperations(
            "setup-release-codebuild", deployment, protection, templates: [.releaseCodeBuild], reads: [.permanent],
            changes: [.permanent]),
        CommandOperations("show-aws-assets", listing, reads: [.all]),
        CommandOperations(
            "delete-aws-assets", listing, removal, templates: [.buildMachine], reads: [.all], changes: [.build]),
        CommandOperations(
            "setup-ec2", identity, source, preflight, deployment, machine, templates: [.buildMachine], reads: [.build],
            changes: [.build]),
        CommandOperations(
            "setup-ec2-and-install-dependencies", identity, source, preflight, deployment, machine,
            templates: [.buildMachine], reads: [.build], changes: [.build]),
        CommandOperations(
            "create-vm", identity, source, preflight, deployment, machine, capture, export, templates: [.buildMachine],
            reads: [.build, .permanent], changes: [.build]),
        CommandOperations(
            "export-vm", identity, source, preflight, deployment, machine, capture, export, templates: [.buildMachine],
            reads: [.build, .permanent], changes: [.build]),
        CommandOperations("create-docker-image", dockerListing, reads: [.permanent]),
        CommandOperations("upload-vm", identity, upload, reads: [.permanent]),
        // With --public the copies are made public.
        CommandOperations("copy-ami", identity, copies, publicity),
        CommandOperations(
            "verify-ami", trial, deployment, templates: [.buildMachine], reads: [.build], changes: [.build]),
        CommandOperations("make-ami-public", identity, publicity),
        CommandOperations("start-release-build", identity, codeBuild, reads: [.permanent]),
        CommandOperations("start-test-release-build", identity, codeBuild, reads: [.permanent]),
        CommandOperations("update-release", identity, shelf, reads: [.permanent]),
        CommandOperations("publish-index", identity, shelf, page, reads: [.permanent], writesPage: true),
        // Without --url.
        CommandOperations("download", address, reads: [.permanent]),
    ]
}
