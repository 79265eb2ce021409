/// A command of `dss` that calls AWS gets a line here; a test holds the lines against the calls that were recorded.
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
    ]
}
