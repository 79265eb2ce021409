import Workbench

extension AWSAsset {
    /// The command of the AWS CLI that removes it, to copy and paste.
    package var removalCommand: String {
        let words =
            switch kind {
            case .stack, .resource: ["cloudformation", "delete-stack", "--stack-name", stackName]
            case .instance: ["ec2", "terminate-instances", "--instance-ids", id]
            case .ami: ["ec2", "deregister-image", "--image-id", id]
            case .snapshot: ["ec2", "delete-snapshot", "--snapshot-id", id]
            case .exportTask: ["ec2", "cancel-export-task", "--export-task-id", id]
            case .keyPair: ["ec2", "delete-key-pair", "--key-pair-id", id]
            case .s3Object where version != nil:
                [
                    "s3api", "delete-object", "--bucket", bucket?.name ?? "", "--key", id, "--version-id",
                    version ?? "",
                ]
            case .s3Object: ["s3", "rm", "s3://\(bucket?.name ?? "")/\(id)"]
            case .upload:
                [
                    "s3api", "abort-multipart-upload", "--bucket", bucket?.name ?? "", "--key", name ?? "",
                    "--upload-id", id,
                ]
            case .build: ["codebuild", "stop-build", "--id", id]
            }
        return (["aws"] + words + ["--region", region]).map(shellQuoted).joined(separator: " ")
    }

    private var stackName: String { kind == .resource ? parent ?? "" : id }
}
